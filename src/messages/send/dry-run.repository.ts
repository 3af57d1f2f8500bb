import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { DATABASE } from '../../database/database.module.js';
import type { Database } from '../../database/database.js';
import type { Target } from '../../database/tables.js';
import { BROADCAST_TAG, named, ofPlatforms } from '../../devices/audience.repository.js';
import { conditionToSql } from '../../devices/condition.repository.js';
import type { Placeholder } from '../../providers/notification.js';
import { missingReason } from '../../providers/placeholders.js';
import type { ProviderName } from '../../providers/provider.js';

/** Devices of one provider in a target. `reason`: why they would get nothing; null if they would get the message. */
export interface AudienceShare {
  provider: ProviderName;
  reason: string | null;
  count: number;
}

@Injectable()
export class DryRunRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /**
   * Counts in one pass over the devices of the target, or over all devices of the application. A device without a value
   * for a placeholder without a default gets nothing; the reason is the one that its delivery would have.
   */
  async count(applicationId: string, target: Target, placeholders: readonly Placeholder[]): Promise<AudienceShare[]> {
    const needed = placeholders.filter(({ required }) => required);
    const missing = needed.map(({ name }) => sql`when not ${hasValue(name)} then ${missingReason(name)}`);
    const toAll = !target.deviceIds && !target.userIds && !target.tagNames;
    const { rows } = await sql<AudienceShare>`
      select provider, reason, count(*)::int as count from (
        select device.provider, case
            when device.retired_reason is not null then device.retired_reason
            when not ${ofPlatforms(target)} then 'another platform'
            when ${toAll} and not device.broadcast then ${`not subscribed to ${BROADCAST_TAG}`}
            ${missing.length > 0 ? sql.join(missing, sql` `) : sql``}
          end as reason
        from device
        where device.application_id = ${applicationId} and ${toAll ? sql`true` : named(applicationId, target)}
          and ${sql.join([sql`true`, ...(target.where ?? []).map(conditionToSql)], sql` and `)}) as meant
      group by provider, reason order by provider, reason`.execute(this.database.kysely);
    return rows;
  }
}

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
