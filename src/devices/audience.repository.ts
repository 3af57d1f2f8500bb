import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { Kysely, RawBuilder } from 'kysely';
import { bigints } from '../database/bigints.js';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';
import type { Tables, Target } from '../database/tables.js';
import type { ProviderName } from '../providers/provider.js';
import { conditionToSql } from './condition.repository.js';

export interface AudienceMember {
  seq: number;
  provider: ProviderName;
}

/**
 * Finds the devices of a target. Every query runs in seq order, so that an expansion can stop and continue anywhere.
 */
@Injectable()
export class AudienceRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** The highest seq of the application; devices registered later are not part of an audience frozen now. */
  async highestSeq(applicationId: string, db: Kysely<Tables> = this.database.kysely): Promise<number> {
    const row = await db
      .selectFrom('device')
      .select('seq')
      .where('application_id', '=', applicationId)
      .orderBy('seq', 'desc')
      .limit(1)
      .executeTakeFirst();
    return row?.seq ?? 0;
  }

  /**
   * The next members above `after` up to `max`, each device once. One list per provider, because a row per device costs
   * a microsecond.
   */
  async page(
    applicationId: string,
    target: Target,
    range: { after: number; max: number; limit: number },
    db: Kysely<Tables> = this.database.kysely,
  ): Promise<AudienceMember[]> {
    const { rows } = await sql<{ provider: ProviderName; seqs: number[] }>`
      select provider, array_agg(seq) as seqs from (
        select device.seq, device.provider from device
        where device.application_id = ${applicationId} and device.retired_reason is null
          and device.seq > ${range.after} and device.seq <= ${range.max}
          and ${condition(applicationId, target)}
        order by device.seq limit ${range.limit}) as page
      group by provider`.execute(db);
    return rows.flatMap(({ provider, seqs }) => seqs.map((seq) => ({ seq, provider }))).sort((a, b) => a.seq - b.seq);
  }

  /** The number of devices up to a seq. Scans the application's devices: 0.2 s for a million. */
  async count(
    applicationId: string,
    target: Target,
    max = Number.MAX_SAFE_INTEGER,
    db: Kysely<Tables> = this.database.kysely,
  ): Promise<number> {
    const { rows } = await sql<{ count: number }>`
      select count(*) as count from device
      where device.application_id = ${applicationId} and device.retired_reason is null and device.seq <= ${max}
        and ${condition(applicationId, target)}`.execute(db);
    return rows[0]?.count ?? 0;
  }

  /**
   * Whether the target has more devices than this. Reads no more devices than it takes to know; a condition that few
   * devices match reads all of the application.
   */
  async exceeds(
    applicationId: string,
    target: Target,
    above: number,
    db: Kysely<Tables> = this.database.kysely,
  ): Promise<boolean> {
    const { rows } = await sql<{ count: number }>`
      select count(*) as count from (
        select from device
        where device.application_id = ${applicationId} and device.retired_reason is null
          and ${condition(applicationId, target)} limit ${above + 1}) as counted`.execute(db);
    return (rows[0]?.count ?? 0) > above;
  }

  /**
   * For each pair of targets, how many users have a device in both; a device without a user counts as a user. Reads the
   * application's devices once, however many the pairs.
   */
  async countShared(applicationId: string, targets: readonly Target[]): Promise<number[][]> {
    const inEach = targets.map((target, index) => {
      const name = sql.ref(`in_${index}`);
      return sql`coalesce(bool_or(${condition(applicationId, target)}), false) as ${name}`;
    });
    const rowsOf = targets.map((_target, a) => {
      const row = targets.map((_other, b) => {
        const both = sql`${sql.ref(`in_${a}`)} and ${sql.ref(`in_${b}`)}`;
        return sql`count(*) filter (where ${both})::int`;
      });
      return sql`array[${sql.join(row)}]`;
    });
    const { rows } = await sql<{ shared: number[][] }>`
      select array[${sql.join(rowsOf)}] as shared from (
        select ${sql.join(inEach)} from device
        where device.application_id = ${applicationId} and device.retired_reason is null
        group by coalesce('u' || device.user_id, 'd' || device.device_id)) as person`.execute(this.database.reader);
    return rows[0]?.shared ?? [];
  }

  /** The time zones of an application's devices, without validation: one index look-up per zone. */
  async timeZones(applicationId: string, db: Kysely<Tables> = this.database.kysely): Promise<string[]> {
    const { rows } = await sql<{ zone: string }>`
      with recursive zones(zone) as (
        (select time_zone from device where application_id = ${applicationId} and time_zone is not null
         order by time_zone limit 1)
        union all
        select (select time_zone from device where application_id = ${applicationId} and time_zone > zones.zone
          order by time_zone limit 1)
        from zones where zones.zone is not null)
      select zone from zones where zone is not null`.execute(db);
    return rows.map(({ zone }) => zone);
  }

  /** The provider of each registered device; other seqs are omitted. */
  async providersOf(seqs: readonly number[], db: Kysely<Tables>): Promise<Map<number, ProviderName>> {
    const { rows } = await sql<AudienceMember>`
      select seq, provider from device where seq = any(${bigints(seqs)})`.execute(db);
    return new Map(rows.map(({ seq, provider }) => [seq, provider]));
  }

  /**
   * The ids with a registration. `retired`: every device of the id is retired and gets nothing until it registers
   * again.
   */
  async findRegistered(
    applicationId: string,
    kind: 'deviceIds' | 'userIds',
    ids: readonly string[],
  ): Promise<{ id: string; retired: boolean }[]> {
    const column = sql.ref(kind === 'deviceIds' ? 'device_id' : 'user_id');
    const { rows } = await sql<{ id: string; retired: boolean }>`
      select ${column} as id, bool_and(retired_reason is not null) as retired from device
      where application_id = ${applicationId} and ${column} = any(${ids}) group by ${column}`.execute(
      this.database.kysely,
    );
    return rows;
  }

  /** The names that are not tags, in the given order. */
  async unknownTagNames(applicationId: string, tagNames: readonly string[]): Promise<string[]> {
    const { rows } = await sql<{ name: string }>`
      select name from tag where application_id = ${applicationId} and name = any(${tagNames})`.execute(
      this.database.kysely,
    );
    const known = new Set(rows.map(({ name }) => name));
    return tagNames.filter((name) => !known.has(name));
  }
}

function condition(applicationId: string, target: Target): RawBuilder<boolean> {
  const parts = [named(applicationId, target), ofPlatforms(target), ...(target.where ?? []).map(conditionToSql)];
  return sql.join(parts, sql` and `);
}

/** The devices in the lists of a target, without its other restrictions. */
export function named(applicationId: string, target: Target): RawBuilder<boolean> {
  if (target.deviceIds) return sql`device.device_id = any(${target.deviceIds})`;
  if (target.userIds) return sql`device.user_id = any(${target.userIds})`;
  if (target.tagNames) {
    const broadcast = target.tagNames.includes(BROADCAST_TAG) ? sql`device.broadcast or` : sql``;
    // A semi-join, so that a device with several of the tags is counted once.
    return sql`(${broadcast} device.seq in (
      select subscription.device_seq from subscription
      where subscription.application_id = ${applicationId} and subscription.tag_name = any(${target.tagNames})))`;
  }
  return sql`device.broadcast`;
}

export function ofPlatforms(target: Target): RawBuilder<boolean> {
  return target.platforms ? sql`device.platform = any(${target.platforms})` : sql`true`;
}

/** Every device is subscribed at its registration and may unsubscribe (docs/protocol/mobilefirst.md §9.4). */
export const BROADCAST_TAG = 'Push.ALL';
