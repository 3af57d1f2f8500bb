import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { RawBuilder, Selectable } from 'kysely';
import { EXACT } from '../common/filter.js';
import type { Filter } from '../common/filter.js';
import type { Page, PageRequest } from '../common/paging.js';
import { bigints } from '../database/bigints.js';
import { DATABASE } from '../database/database.module.js';
import { executePrepared } from '../database/prepared.js';
import type { Database } from '../database/database.js';
import { readList, toSql } from '../database/list.js';
import type { List } from '../database/list.js';
import type { DeviceAttributes, DeviceTable } from '../database/tables.js';
import type { ProviderName, Recipient } from '../providers/provider.js';
import type { DeviceSearch } from './device-search.js';
import { readPlatform } from './platform.js';
import { readTally } from './tally.repository.js';

export interface Device {
  applicationId: string;
  deviceId: string;
  platform: string;
  token: string;
  userId: string | null;
  phoneNumber: string | null;
  userAgent: string | null;
  language: string | null;
  timeZone: string | null;
  appVersion: string | null;
  attributes: DeviceAttributes;
  /** Null: the device is active. */
  retired: { reason: string; at: Date | null } | null;
  /** To the day, or the time of the last registration if that is on the same day. */
  seenAt: Date;
  createdAt: Date;
  updatedAt: Date;
}

type SeenDevice = Pick<Device, 'applicationId' | 'deviceId' | 'seenAt'>;

/** `userId` null: devices without a user; undefined: all devices. */
export interface DeviceQuery {
  userId?: string | null;
  filter: Filter;
  /** In index time (device-search.repository.ts). */
  search?: DeviceSearch;
}

/** MobileFirst's documents allow a filter by exact platform only. */
export const DEVICE_FILTERS = { platform: EXACT };

/** The data of a device that delivery needs: for its provider, and for placeholders. */
export interface DeliverableDevice extends Recipient {
  seq: number;
}

/** Retirement for this reason ends when the device is seen again. */
export const UNSEEN = 'unseen';

const COLUMNS = [
  'application_id',
  'device_id',
  'platform',
  'token',
  'user_id',
  'phone_number',
  'user_agent',
  'language',
  'time_zone',
  'app_version',
  'attributes',
  'retired_reason',
  'retired_at',
  'seen_on',
  'registered_at',
  'created_at',
  'updated_at',
] as const;
export type DeviceRow = Pick<Selectable<DeviceTable>, (typeof COLUMNS)[number]>;
/** The columns of a `Device`. */
export const DEVICE_COLUMNS = sql.join(COLUMNS.map((name) => sql.ref(name)));

@Injectable()
export class DeviceRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  async find(applicationId: string, deviceId: string): Promise<Device | undefined> {
    const [row] = await executePrepared<DeviceRow>(
      this.database.kysely,
      'find-device',
      sql`
        select ${DEVICE_COLUMNS}
        from device where application_id = ${applicationId} and device_id = ${deviceId}`,
    );
    return row && toDevice(row);
  }

  /** In the order of registration. */
  async list(applicationId: string, { userId, filter }: DeviceQuery, page: PageRequest): Promise<Page<Device>> {
    const platforms = ofPlatform(filter);
    const db = this.database.reader;
    const devices: List<Selectable<DeviceTable>> = {
      keys: { seq: 'bigint' },
      from: sql`device where application_id = ${applicationId} and ${platforms} and ${ofUser(userId)}`,
      rows: (keys) => sql`select device.* from device join (${keys}) as page using (seq)`,
      // Only without a user: the stored count by platform is exact for every filter by platform.
      ...(userId === undefined && {
        count: () => readTally(db, applicationId, 'device', platforms),
      }),
    };
    const { rows, ...links } = await readList(db, devices, page);
    return { rows: rows.map(toDevice), ...links };
  }

  /** Includes retired devices. */
  count(applicationId: string): Promise<number> {
    return readTally(this.database.kysely, applicationId, 'device');
  }

  /**
   * Records a sign of life: SDKs read their own registration at each start, and register only after a change. At most
   * one write per day. Reactivates a device that was retired as unseen.
   */
  async noteSeen({ applicationId, deviceId, seenAt }: SeenDevice, now: Date): Promise<void> {
    if (dayOf(seenAt) >= dayOf(now)) return;
    await sql`
      update device set seen_on = ${dayOf(now)}::date,
        retired_reason = case when retired_reason = ${UNSEEN} then null else retired_reason end,
        retired_at = case when retired_reason = ${UNSEEN} then null else retired_at end
      where application_id = ${applicationId} and device_id = ${deviceId} and seen_on < ${dayOf(now)}::date`.execute(
      this.database.kysely,
    );
  }

  /** The owner of a subscription. */
  findOwner(applicationId: string, deviceId: string): Promise<{ seq: number; userId: string | null } | undefined> {
    return this.database.kysely
      .selectFrom('device')
      .select(['seq', 'user_id as userId'])
      .where('application_id', '=', applicationId)
      .where('device_id', '=', deviceId)
      .executeTakeFirst();
  }

  /** Returns false if there was none. */
  async remove(applicationId: string, deviceId: string): Promise<boolean> {
    const removed = await this.database.kysely
      .deleteFrom('device')
      .where('application_id', '=', applicationId)
      .where('device_id', '=', deviceId)
      .returning('seq')
      .executeTakeFirst();
    return removed !== undefined;
  }

  /**
   * The devices with these seqs (ascending) that can be sent to at the provider; the result is unordered and may
   * contain other devices between them. A broadcast's devices are neighbours, and reading a range costs a third of
   * single look-ups.
   */
  async findDeliverable(seqs: readonly number[], provider: ProviderName): Promise<DeliverableDevice[]> {
    const [first = 0, last = 0] = [seqs[0], seqs.at(-1)];
    const among =
      last - first < 2 * seqs.length ? sql`seq between ${first} and ${last}` : sql`seq = any(${bigints(seqs)})`;
    const { rows } = await sql<{ [Column in keyof DeliverableDevice]: DeliverableDevice[Column][] | null }>`
      select json_agg(seq) as seq, json_agg(token) as token, json_agg(platform) as platform,
        json_agg((date_part('epoch', registered_at) * 1000)::bigint) as "registeredAt" from device
      where ${among} and provider = ${provider} and retired_reason is null`.execute(this.database.kysely);
    const { seq, token, platform, registeredAt } = rows[0]!;
    return (seq ?? []).map((each, index) => ({
      seq: each,
      token: token![index]!,
      platform: platform![index]!,
      registeredAt: registeredAt![index]!,
    }));
  }

  /**
   * Removes devices from every audience until they register again; registrations newer than `before` are kept. Returns
   * how many were removed.
   */
  async retire(seqs: readonly number[], reason: string, before: Date): Promise<number> {
    if (seqs.length === 0) return 0;
    const { numUpdatedRows } = await this.database.kysely
      .updateTable('device')
      .set({ retired_reason: reason, retired_at: sql<Date>`now()` })
      .where('seq', 'in', seqs)
      .where('registered_at', '<=', before)
      .executeTakeFirst();
    return Number(numUpdatedRows);
  }
}

export function ofPlatform(filter: Filter): RawBuilder<boolean> {
  return toSql(filter, ({ value }) => sql`platform = ${readPlatform(value) ?? value}`);
}

/** Null: devices without a user; undefined: all devices. */
export function ofUser(userId: string | null | undefined): RawBuilder<boolean> {
  if (userId === undefined) return sql`true`;
  return userId === null ? sql`user_id is null` : sql`user_id = ${userId}`;
}

export function toDevice(row: DeviceRow): Device {
  return {
    applicationId: row.application_id,
    deviceId: row.device_id,
    platform: row.platform,
    token: row.token,
    userId: row.user_id,
    phoneNumber: row.phone_number,
    userAgent: row.user_agent,
    language: row.language,
    timeZone: row.time_zone,
    appVersion: row.app_version,
    attributes: row.attributes,
    retired: row.retired_reason === null ? null : { reason: row.retired_reason, at: row.retired_at },
    seenAt: dayOf(row.registered_at) === row.seen_on ? row.registered_at : new Date(row.seen_on),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

/** `YYYY-MM-DD`, UTC. */
export function dayOf(date: Date): string {
  return date.toISOString().slice(0, 10);
}
