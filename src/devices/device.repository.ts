import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { Selectable } from 'kysely';
import { EXACT } from '../common/filter.js';
import type { Filter } from '../common/filter.js';
import type { Page, PageRequest } from '../common/paging.js';
import { bigints } from '../database/bigints.js';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';
import { readList, toSql } from '../database/list.js';
import type { List } from '../database/list.js';
import type { DeviceAttributes, DeviceTable } from '../database/tables.js';
import type { ProviderName, Recipient } from '../providers/provider.js';
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
  createdAt: Date;
  updatedAt: Date;
}

/** `userId` null: those that are nobody's; undefined: everybody's. */
export interface DeviceQuery {
  userId?: string | null;
  filter: Filter;
}

/** An exact platform is all the documents let devices be filtered by. */
export const DEVICE_FILTERS = { platform: EXACT };

/** What delivery needs of a device: what its provider needs, and who it is. */
export interface DeliverableDevice extends Recipient {
  seq: number;
}

/** The reason of a retirement that a sign of life ends. */
export const UNSEEN = 'unseen';

@Injectable()
export class DeviceRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  async find(applicationId: string, deviceId: string): Promise<Device | undefined> {
    const row = await this.database.kysely
      .selectFrom('device')
      .selectAll()
      .where('application_id', '=', applicationId)
      .where('device_id', '=', deviceId)
      .executeTakeFirst();
    return row && toDevice(row);
  }

  /** In the order of their registration. */
  async list(applicationId: string, { userId, filter }: DeviceQuery, page: PageRequest): Promise<Page<Device>> {
    const platforms = toSql(filter, ({ value }) => sql`platform = ${readPlatform(value) ?? value}`);
    const ofUser = userId === null ? sql`user_id is null` : sql`user_id = ${userId}`;
    const db = this.database.kysely;
    const devices: List<Selectable<DeviceTable>> = {
      keys: { seq: 'bigint' },
      from: sql`device where application_id = ${applicationId} and ${platforms} and ${userId === undefined ? sql`true` : ofUser}`,
      rows: (keys) => sql`select device.* from device join (${keys}) as page using (seq)`,
      // What is counted by platform answers every filter of platforms.
      ...(userId === undefined && {
        count: () => readTally(db, applicationId, 'device', platforms),
      }),
    };
    const { rows, ...links } = await readList(db, devices, page);
    return { rows: rows.map(toDevice), ...links };
  }

  /** Retired ones too. */
  count(applicationId: string): Promise<number> {
    return readTally(this.database.kysely, applicationId, 'device');
  }

  /**
   * The app gave a sign of life: SDKs read their own registration at each start and register only when it changed. At
   * most one write a day; a device that was retired as unseen is alive again.
   */
  async noteSeen(applicationId: string, deviceId: string, now: Date): Promise<void> {
    await sql`
      update device set seen_on = ${dayOf(now)}::date,
        retired_reason = case when retired_reason = ${UNSEEN} then null else retired_reason end,
        retired_at = case when retired_reason = ${UNSEEN} then null else retired_at end
      where application_id = ${applicationId} and device_id = ${deviceId} and seen_on < ${dayOf(now)}::date`.execute(
      this.database.kysely,
    );
  }

  /** What a subscription needs to know. */
  findOwner(applicationId: string, deviceId: string): Promise<{ seq: number; userId: string | null } | undefined> {
    return this.database.kysely
      .selectFrom('device')
      .select(['seq', 'user_id as userId'])
      .where('application_id', '=', applicationId)
      .where('device_id', '=', deviceId)
      .executeTakeFirst();
  }

  /** False when there was none. */
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
   * Those of the given seqs, in ascending order, that can still be sent to at the provider, in no particular order and
   * perhaps with others between them: a broadcast's devices are neighbours, and reading a range costs a third of
   * looking up each.
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

  /** Takes devices out of every audience until they register again; a registration newer than `before` is kept. */
  async retire(seqs: readonly number[], reason: string, before: Date): Promise<void> {
    if (seqs.length === 0) return;
    await this.database.kysely
      .updateTable('device')
      .set({ retired_reason: reason, retired_at: sql<Date>`now()` })
      .where('seq', 'in', seqs)
      .where('registered_at', '<=', before)
      .execute();
  }
}

export function toDevice(row: Selectable<DeviceTable>): Device {
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
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

/** `YYYY-MM-DD`, UTC. */
export function dayOf(date: Date): string {
  return date.toISOString().slice(0, 10);
}
