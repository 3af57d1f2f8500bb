import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { bigints } from '../database/bigints.js';
import type { Tx } from '../database/transaction.js';
import type { ProviderName } from '../providers/provider.js';
import { newestOfEach } from './registration.js';

/** Devices per step: a transaction of about 20 ms. */
const STEP = 500;

/** A device of a pass. `before`: the hash of its token's text, in hex. */
export interface PassedDevice {
  seq: number;
  provider: ProviderName;
  token: string;
  before: string;
}

/** A device whose token gets the hash of its identity; hashes in hex. */
export interface Stale {
  seq: number;
  before: string;
  hash: string;
}

/** Passes over devices whose tokens were compared by text (migration 0017). */
@Injectable()
export class TokenPassRepository {
  /** Takes the next devices of a pass that is due, and moves the pass on. Null: no pass is left. */
  async takePage(tx: Tx): Promise<PassedDevice[] | null> {
    const { rows } = await sql<{ id: number; next_seq: number }>`
      select id, next_seq from token_pass where due_at <= now() order by id limit 1
      for update skip locked`.execute(tx);
    const [pass] = rows;
    if (!pass) return null;
    const { rows: page } = await sql<PassedDevice>`
      select seq, provider, token, encode(token_hash, 'hex') as before from device
      where seq > ${pass.next_seq} order by seq limit ${STEP}`.execute(tx);
    const last = page.at(-1);
    if (last) await sql`update token_pass set next_seq = ${last.seq} where id = ${pass.id}`.execute(tx);
    else await sql`delete from token_pass where id = ${pass.id}`.execute(tx);
    return page;
  }

  /**
   * Writes the hashes. Of several devices with the same identity the newest registration stays and the older ones are
   * removed, as when a token moves. Returns how many were removed. Skips a device that has registered since it was
   * read.
   */
  async renew(stale: readonly Stale[], tx: Tx): Promise<number> {
    const wanted = sql`jsonb_to_recordset(${JSON.stringify(stale)}::jsonb) as wanted (seq bigint, before text, hash text)`;
    const { rows } = await sql<{ seq: number; registered_at: Date; key: string }>`
      select device.seq, registered_at,
        concat_ws(' ', application_id, provider, coalesce(wanted.hash, encode(token_hash, 'hex'))) as key
      from device left join ${wanted} on wanted.seq = device.seq and wanted.before = encode(token_hash, 'hex')
      where device.seq in (
        select wanted.seq from ${wanted}
        union select other.seq from ${wanted} join device as mine using (seq)
        join device as other on other.application_id = mine.application_id and other.provider = mine.provider
          and other.token_hash = decode(wanted.hash, 'hex'))
      order by device.seq for update of device`.execute(tx);
    const stays = newestOfEach(rows);
    const ended = rows.filter(({ seq }) => !stays.has(seq)).map(({ seq }) => seq);
    if (ended.length > 0) await sql`delete from device where seq = any(${bigints(ended)})`.execute(tx);
    await sql`update device set token_hash = decode(wanted.hash, 'hex') from ${wanted}
      where device.seq = wanted.seq and encode(token_hash, 'hex') = wanted.before`.execute(tx);
    return ended.length;
  }
}
