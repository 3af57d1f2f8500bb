import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { notFound } from '../common/errors.js';
import { EXACT_OR_CONTAINS } from '../common/filter.js';
import type { Filter } from '../common/filter.js';
import type { Page, PageRequest } from '../common/paging.js';
import { SQL_STATE, hasSqlState } from '../common/sql-state.js';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';
import { readList, sameOrContains, toSql } from '../database/list.js';
import type { List } from '../database/list.js';
import { BROADCAST_TAG } from './audience.repository.js';
import { readTally } from './tally.repository.js';

export interface Subscription {
  /** The row's id; for `Push.ALL`, which is a column of the device, `Push.ALL-` and the device's seq. */
  subscriptionId: string;
  tagName: string;
  deviceId: string;
  userId: string | null;
}

/** Undefined members do not restrict. `userId` null: devices without a user. */
export interface SubscriptionQuery {
  deviceId?: string;
  tagName?: string;
  userId?: string | null;
  filter: Filter;
}

export const SUBSCRIPTION_FILTERS = { tagName: EXACT_OR_CONTAINS, deviceId: EXACT_OR_CONTAINS };

@Injectable()
export class SubscriptionRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** Returns the new subscriptions, ids by tag; tags that the device has already are left out. */
  async add(applicationId: string, deviceSeq: number, tagNames: readonly string[]): Promise<Map<string, string>> {
    const rows = tagNames.filter((name) => name !== BROADCAST_TAG);
    const added = new Map<string, string>();
    if (rows.length > 0)
      for (const row of await this.insert(applicationId, deviceSeq, rows)) added.set(row.tag_name, String(row.id));
    if (tagNames.includes(BROADCAST_TAG) && (await this.setBroadcast(applicationId, deviceSeq, true)))
      added.set(BROADCAST_TAG, `${BROADCAST_TAG}-${deviceSeq}`);
    return added;
  }

  /** Returns the names that the device was subscribed to. */
  async remove(applicationId: string, deviceSeq: number, tagNames: readonly string[]): Promise<string[]> {
    const rows = await this.database.kysely
      .deleteFrom('subscription')
      .where('application_id', '=', applicationId)
      .where('device_seq', '=', deviceSeq)
      .where('tag_name', 'in', tagNames)
      .returning('tag_name')
      .execute();
    const removed = rows.map((row) => row.tag_name);
    if (tagNames.includes(BROADCAST_TAG) && (await this.setBroadcast(applicationId, deviceSeq, false)))
      removed.push(BROADCAST_TAG);
    return removed;
  }

  async find(applicationId: string, subscriptionId: string): Promise<Subscription | undefined> {
    const { row, seq } = readId(subscriptionId);
    const { rows } = await sql<Subscription>`
      select ${OF_TAG} from subscription join device on device.seq = subscription.device_seq
      where subscription.application_id = ${applicationId} and subscription.id = ${row}::bigint
      union all select ${OF_BROADCAST} from device
      where application_id = ${applicationId} and seq = ${seq}::bigint and broadcast`.execute(this.database.kysely);
    return rows[0];
  }

  /** Returns false if there was none. */
  async removeById(applicationId: string, subscriptionId: string): Promise<boolean> {
    const { row, seq } = readId(subscriptionId);
    if (seq !== null) return this.setBroadcast(applicationId, seq, false);
    const { rows } = await sql`
      delete from subscription where application_id = ${applicationId} and id = ${row}::bigint returning id`.execute(
      this.database.kysely,
    );
    return rows.length > 0;
  }

  /** By tag, then in the order of registration; subscriptions to `Push.ALL` come last. */
  list(applicationId: string, query: SubscriptionQuery, page: PageRequest): Promise<Page<Subscription>> {
    // An app reads its own subscriptions after a change.
    const db = query.deviceId === undefined ? this.database.reader : this.database.kysely;
    const ofTags = where(applicationId, query, sql`tag_name`, sql`device_seq`);
    const ofBroadcast = where(applicationId, query, sql`${BROADCAST_TAG}::text`, sql`device.seq`);
    // The stored count by tag is exact for every query without device or user.
    const tally = query.deviceId === undefined && query.userId === undefined && !asksForDevices(query.filter);
    const subscriptions: List<Subscription> = {
      // With an exact tag as a key PostgreSQL would start at that tag's first row and scan to the cursor.
      keys: exactTag(query) !== undefined ? { device_seq: 'bigint' } : { tag_name: 'text', device_seq: 'bigint' },
      from: sql`subscription where application_id = ${applicationId} and ${ofTags}`,
      rows: (keys) => sql`
        select ${OF_TAG}, subscription.tag_name, subscription.device_seq from (${keys}) as page
        join subscription on subscription.device_seq = page.device_seq and subscription.application_id = ${applicationId}
          and subscription.tag_name = ${exactTag(query) ?? sql`page.tag_name`}
        join device on device.seq = subscription.device_seq`,
      ...(tally && { count: () => readTally(db, applicationId, 'subscription', ofTags) }),
    };
    const broadcasts: List<Subscription> = {
      keys: { seq: 'bigint' },
      from: sql`device where application_id = ${applicationId} and broadcast and ${ofBroadcast}`,
      rows: (keys) => sql`select ${OF_BROADCAST}, device.seq from (${keys}) as page join device using (seq)`,
      ...(tally && { count: () => readTally(db, applicationId, 'broadcast', ofBroadcast) }),
    };
    return readList(db, [subscriptions, broadcasts], page);
  }

  private async insert(
    applicationId: string,
    deviceSeq: number,
    tagNames: readonly string[],
  ): Promise<{ tag_name: string; id: number }[]> {
    try {
      return await this.database.kysely
        .insertInto('subscription')
        .values(tagNames.map((name) => ({ application_id: applicationId, tag_name: name, device_seq: deviceSeq })))
        .onConflict((conflict) => conflict.doNothing())
        .returning(['tag_name', 'id'])
        .execute();
    } catch (error) {
      // Both existed a moment ago.
      if (hasSqlState(error, SQL_STATE.foreignKeyViolation)) throw notFound('tag or device', 'deviceId');
      throw error;
    }
  }

  private async setBroadcast(applicationId: string, deviceSeq: number, broadcast: boolean): Promise<boolean> {
    const changed = await this.database.kysely
      .updateTable('device')
      .set({ broadcast })
      .where('application_id', '=', applicationId)
      .where('seq', '=', deviceSeq)
      .where('broadcast', '<>', broadcast)
      .returning('seq')
      .executeTakeFirst();
    return changed !== undefined;
  }
}

const OF_TAG = sql`subscription.id::text as "subscriptionId", subscription.tag_name as "tagName",
  device.device_id as "deviceId", device.user_id as "userId"`;
const OF_BROADCAST = sql`${sql.lit(BROADCAST_TAG)} || '-' || device.seq as "subscriptionId", ${sql.lit(BROADCAST_TAG)} as "tagName",
  device.device_id as "deviceId", device.user_id as "userId"`;

/** The kind of the id; both null for an unknown id. A number beyond bigint is unknown. */
function readId(subscriptionId: string): { row: number | null; seq: number | null } {
  const [, broadcast, digits] = /^(Push\.ALL-)?(\d{1,15})$/.exec(subscriptionId) ?? [];
  const id = digits === undefined ? null : Number(digits);
  return broadcast === undefined ? { row: id, seq: null } : { row: null, seq: id };
}

/** `tag` and `seq`: the expressions for a subscription's tag and device. */
function where(
  applicationId: string,
  { tagName, deviceId, userId, filter }: SubscriptionQuery,
  tag: RawBuilder<unknown>,
  seq: RawBuilder<unknown>,
): RawBuilder<boolean> {
  const ofDevices = (condition: RawBuilder<boolean>): RawBuilder<boolean> =>
    sql`${seq} in (select owner.seq from device as owner where owner.application_id = ${applicationId} and ${condition})`;
  const conditions = [
    toSql(filter, (condition) =>
      condition.name === 'tagName'
        ? sameOrContains(tag, condition)
        : ofDevices(sameOrContains(sql`owner.device_id`, condition)),
    ),
  ];
  if (tagName !== undefined) conditions.push(sql`${tag} = ${tagName}`);
  if (deviceId !== undefined) conditions.push(ofDevices(sql`owner.device_id = ${deviceId}`));
  if (userId !== undefined)
    conditions.push(ofDevices(userId === null ? sql`owner.user_id is null` : sql`owner.user_id = ${userId}`));
  return sql`(${sql.join(conditions, sql` and `)})`;
}

function asksForDevices(filter: Filter): boolean {
  return filter.flat().some(({ name }) => name === 'deviceId');
}

/** The requested tag if there is exactly one; else undefined. */
function exactTag({ tagName, filter }: SubscriptionQuery): string | undefined {
  const exact = filter.find(([first, other]) => !other && first?.name === 'tagName' && first.operator === '==');
  return tagName ?? exact?.[0]?.value;
}
