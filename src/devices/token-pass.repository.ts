import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { bigints } from '../database/bigints.js';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';
import type { Tables } from '../database/tables.js';
import type { ProviderName } from '../providers/provider.js';
import { hashOf } from './device-registration.repository.js';
import { newestOfEach } from './registration.js';

/** Devices per step: a transaction of about 20 ms. */
const STEP = 500;

/** A device with a hash of its token's text in place of the identity; hashes in hex. */
interface Stale {
  seq: number;
  before: string;
  hash: string;
}

/** Returns the identity of a token, or undefined if its provider cannot send to it; such a device is not changed. */
export type Identify = (provider: ProviderName, token: string) => string | undefined;

/** Passes over devices whose tokens were compared by text (migration 0017). */
@Injectable()
export class TokenPassRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /**
   * One step of a pass: the next devices get the hash of their token's identity. Of several devices with the same
   * identity the newest registration stays and the older ones are removed, as when a token moves. Returns null if
   * nothing is left.
   */
  step(identify: Identify): Promise<{ ended: number } | null> {
    return this.database.kysely.transaction().execute(async (db) => {
      const { rows } = await sql<{ id: number; next_seq: number }>`
        select id, next_seq from token_pass where due_at <= now() order by id limit 1
        for update skip locked`.execute(db);
      const [pass] = rows;
      if (!pass) return null;
      const page = await pageAbove(db, pass.next_seq);
      const last = page.at(-1);
      if (last) await sql`update token_pass set next_seq = ${last.seq} where id = ${pass.id}`.execute(db);
      else await sql`delete from token_pass where id = ${pass.id}`.execute(db);
      const stale = page.flatMap(({ seq, provider, token, before }): Stale[] => {
        const identity = identify(provider, token);
        const hash = identity === undefined ? before : hashOf(identity).toString('hex');
        return hash === before ? [] : [{ seq, before, hash }];
      });
      return { ended: stale.length > 0 ? await renew(db, stale) : 0 };
    });
  }
}

async function pageAbove(
  db: Kysely<Tables>,
  seq: number,
): Promise<{ seq: number; provider: ProviderName; token: string; before: string }[]> {
  const { rows } = await sql<{ seq: number; provider: ProviderName; token: string; before: string }>`
    select seq, provider, token, encode(token_hash, 'hex') as before from device
    where seq > ${seq} order by seq limit ${STEP}`.execute(db);
  return rows;
}

/** Returns how many devices ended. Skips a device that has registered since it was read. */
async function renew(db: Kysely<Tables>, stale: readonly Stale[]): Promise<number> {
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
    order by device.seq for update of device`.execute(db);
  const stays = newestOfEach(rows);
  const ended = rows.filter(({ seq }) => !stays.has(seq)).map(({ seq }) => seq);
  if (ended.length > 0) await sql`delete from device where seq = any(${bigints(ended)})`.execute(db);
  await sql`update device set token_hash = decode(wanted.hash, 'hex') from ${wanted}
    where device.seq = wanted.seq and encode(token_hash, 'hex') = wanted.before`.execute(db);
  return ended.length;
}
