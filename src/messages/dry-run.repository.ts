import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';
import type { Target } from '../database/tables.js';
import { BROADCAST_TAG, named, ofPlatforms } from '../devices/audience.repository.js';
import type { ProviderName } from '../providers/provider.js';

/** Devices of one provider that a target means; `reason`: why they would get nothing, null when they would. */
export interface AudienceShare {
  provider: ProviderName;
  reason: string | null;
  count: number;
}

@Injectable()
export class DryRunRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** Counts in one pass over what the target names; of a message to all, over the application's devices. */
  async count(applicationId: string, target: Target): Promise<AudienceShare[]> {
    const toAll = !target.deviceIds && !target.userIds && !target.tagNames;
    const { rows } = await sql<AudienceShare>`
      select provider, reason, count(*)::int as count from (
        select device.provider, case
            when device.retired_reason is not null then device.retired_reason
            when not ${ofPlatforms(target)} then 'another platform'
            when ${toAll} and not device.broadcast then ${`not subscribed to ${BROADCAST_TAG}`}
          end as reason
        from device
        where device.application_id = ${applicationId} and ${toAll ? sql`true` : named(applicationId, target)}) as meant
      group by provider, reason order by provider, reason`.execute(this.database.kysely);
    return rows;
  }
}
