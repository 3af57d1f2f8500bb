import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { DATABASE } from '../../database/database.module.js';
import type { Database } from '../../database/database.js';
import type { Target } from '../../database/tables.js';
import { readTally } from '../../devices/tally.repository.js';
import { named, ofPlatforms } from '../../devices/audience.repository.js';
import { conditionToSql } from '../../devices/condition.repository.js';
import type { Placeholder } from '../../providers/notification.js';
import { missingReason } from '../../providers/placeholders.js';
import type { ProviderName } from '../../providers/provider.js';
import { OTHER_PLATFORM, UNSUBSCRIBED } from './exclusion.js';

/** Devices of one provider in a target. `reason`: why they would get nothing; null if they would get the message. */
export interface AudienceShare {
  provider: ProviderName;
  platform: string;
  reason: string | null;
  retired: boolean;
  count: number;
}

@Injectable()
export class DryRunRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /**
   * Counts in one pass over the devices of the target, or over all devices of the application. A device without a value
   * for a placeholder without a default gets nothing; the reason is the one that its delivery would have.
   */
  private async count(
    applicationId: string,
    target: Target,
    placeholders: readonly Placeholder[],
    from: RawBuilder<unknown> = sql`device`,
  ): Promise<AudienceShare[]> {
    const needed = placeholders.filter(({ required }) => required);
    const missing = needed.map(({ name }) => sql`when not ${hasValue(name)} then ${missingReason(name)}`);
    const toAll = !target.deviceIds && !target.userIds && !target.tagNames;
    const { rows } = await sql<AudienceShare>`
      select provider, platform, reason, retired, count(*)::int as count from (
        select device.provider, device.platform, device.retired_reason is not null as retired, case
            when device.retired_reason is not null then device.retired_reason
            when not ${ofPlatforms(target)} then ${OTHER_PLATFORM}
            when ${toAll} and not device.broadcast then ${UNSUBSCRIBED}
            ${missing.length > 0 ? sql.join(missing, sql` `) : sql``}
          end as reason
        from ${from}
        where device.application_id = ${applicationId} and ${toAll ? sql`true` : named(applicationId, target)}
          and ${sql.join([sql`true`, ...(target.where ?? []).map(conditionToSql)], sql` and `)}) as meant
      group by provider, platform, reason, retired order by provider, platform, reason`.execute(this.database.kysely);
    return rows;
  }

  /**
   * Counts all devices of the target if it lists ids, with `exact`, or if the application has at most a million devices
   * (0.3 s). Else it estimates from a sample of the pages of the table, of about half a million devices: the error is
   * about a thousandth of the devices. All of ten million devices take 2.3 s.
   */
  async countBounded(
    applicationId: string,
    target: Target,
    placeholders: readonly Placeholder[],
    { exact = false, above = COUNTED, sample = SAMPLED }: { exact?: boolean; above?: number; sample?: number } = {},
  ): Promise<{ shares: AudienceShare[]; exact: boolean }> {
    const listed = target.deviceIds !== undefined || target.userIds !== undefined;
    const all = exact || listed || (await readTally(this.database.kysely, applicationId, 'device')) <= above;
    if (all) return { shares: await this.count(applicationId, target, placeholders), exact: true };
    const { rows } = await sql<{ rows: number }>`
      select greatest(reltuples, 0)::bigint as rows from pg_class where oid = 'device'::regclass`.execute(
      this.database.kysely,
    );
    // Not analysed yet: all rows.
    const percent = Math.min(100, (100 * sample) / Math.max(rows[0]?.rows ?? 0, 1));
    // Always the same pages, so that a repeated count is the same.
    const from = sql`device tablesample system (${percent}::float4) repeatable (1)`;
    const shares = await this.count(applicationId, target, placeholders, from);
    const scaled = shares.map((share) => ({ ...share, count: Math.round((share.count * 100) / percent) }));
    return { shares: scaled, exact: false };
  }
}

/** Devices of an application that are all counted. */
const COUNTED = 1_000_000;
/** Devices of a sample: 0.2 s. */
const SAMPLED = 500_000;

/** Placeholders that a device's own columns fill (delivery/deliver/values.ts). */
const KNOWN: ReadonlyMap<string, string> = new Map([
  ['userId', 'user_id'],
  ['language', 'language'],
  ['appVersion', 'app_version'],
]);

function hasValue(name: string): RawBuilder<boolean> {
  const column = KNOWN.get(name);
  const known = column === undefined ? sql`` : sql`${sql.ref(`device.${column}`)} is not null or`;
  return sql`(${known} coalesce(jsonb_exists(device.attributes, ${name}), false))`;
}
