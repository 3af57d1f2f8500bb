import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { Kysely, RawBuilder, Selectable } from 'kysely';
import { bigints } from '../database/bigints.js';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';
import type { DeviceTable, Tables } from '../database/tables.js';
import { BROADCAST_TAG } from './audience.repository.js';
import { toDevice } from './device.repository.js';
import type { Device } from './device.repository.js';

/** A device with its tags, including `Push.ALL`. */
export interface TaggedDevice {
  device: Device;
  tagNames: string[];
}

/** A row that an import has written, and its new subscriptions. */
export interface PutDevice {
  seq: number;
  created: boolean;
  /** The current subscription to `Push.ALL`. */
  broadcast: boolean;
  tagNames: readonly string[];
}

/** Tag names per page: a page has fewer devices if they have hundreds of tags. */
const NAMES_A_PAGE = 20_000;

/** Reads devices with their subscriptions in pages. */
@Injectable()
export class DeviceTransferRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /**
   * The next devices above `after` up to `max` that are not retired, at most `limit`, and where the next page begins.
   */
  page(
    applicationId: string,
    { after, max, limit }: { after: number; max: number; limit: number },
  ): Promise<{ devices: TaggedDevice[]; last: number | undefined }> {
    return this.tagged(sql`
      application_id = ${applicationId} and seq > ${after} and seq <= ${max} and retired_reason is null
      order by seq limit ${limit}`);
  }

  /** A user's devices above `after`, at most `limit`, and where the next page begins. */
  ofUser(
    applicationId: string,
    userId: string,
    after: number,
    limit: number,
  ): Promise<{ devices: TaggedDevice[]; last: number | undefined }> {
    return this.tagged(sql`
      application_id = ${applicationId} and user_id = ${userId} and seq > ${after} order by seq limit ${limit}`);
  }

  private async tagged(wanted: RawBuilder<unknown>): Promise<{ devices: TaggedDevice[]; last: number | undefined }> {
    const { rows } = await sql<Selectable<DeviceTable> & { tag_names: string[] }>`
      select * from (
        select device.*, coalesce(tag.names, '{}') as tag_names,
          sum(coalesce(cardinality(tag.names), 0)) over (order by seq rows between unbounded preceding and 1 preceding) as before
        from (select * from device where ${wanted}) as device
        left join lateral (
          select array_agg(tag_name order by tag_name) as names from subscription where device_seq = device.seq) as tag on true
      ) as page where before is null or before < ${NAMES_A_PAGE} order by seq`.execute(this.database.reader);
    const devices = rows.map((row) => ({
      device: toDevice(row),
      tagNames: row.broadcast ? [BROADCAST_TAG, ...row.tag_names] : row.tag_names,
    }));
    return { devices, last: rows.at(-1)?.seq };
  }
}

/** Sets the subscriptions of devices to exactly their tags, and creates missing tags. */
export async function setSubscriptions(
  db: Kysely<Tables>,
  applicationId: string,
  devices: readonly PutDevice[],
  now: Date,
): Promise<void> {
  const turned = devices.filter(({ broadcast, tagNames }) => broadcast !== tagNames.includes(BROADCAST_TAG));
  if (turned.length > 0)
    await sql`update device set broadcast = not broadcast where seq = any(${bigints(turned.map(({ seq }) => seq))})`.execute(
      db,
    );
  const pairs = devices.flatMap(({ seq, tagNames }) =>
    tagNames.filter((name) => name !== BROADCAST_TAG).map((name) => ({ seq, name })),
  );
  const wanted = sql`jsonb_to_recordset(${JSON.stringify(pairs)}::jsonb) as wanted (seq bigint, name text)`;
  // A new device has no subscription to remove.
  const known = devices.filter(({ created }) => !created);
  if (known.length > 0)
    await sql`
      delete from subscription where device_seq = any(${bigints(known.map(({ seq }) => seq))})
        and (device_seq, tag_name) not in (select seq, name from ${wanted})`.execute(db);
  if (pairs.length === 0) return;
  // In one order, so that concurrent imports wait for each other without a deadlock.
  await sql`
    insert into tag (application_id, name, description, created_at, updated_at)
    select distinct ${applicationId}, name, '', ${now}::timestamptz, ${now}::timestamptz from ${wanted} order by name
    on conflict do nothing`.execute(db);
  await sql`
    insert into subscription (application_id, tag_name, device_seq)
    select ${applicationId}, name, seq from ${wanted} order by name, seq on conflict do nothing`.execute(db);
}
