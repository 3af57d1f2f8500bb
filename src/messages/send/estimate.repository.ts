import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { DATABASE } from '../../database/database.module.js';
import type { Database } from '../../database/database.js';
import { lastSeen } from '../../database/processes.js';
import { PACE_NOW } from '../../applications/provider-status.repository.js';
import { OUTCOME } from '../../delivery/outcome.js';
import { PROVIDERS } from '../../providers/providers.module.js';
import type { Providers } from '../../providers/providers.module.js';
import type { ProviderName } from '../../providers/provider.js';
import type { ProviderLimits } from './estimate.js';

/** Reads the limits of an application's deliveries now. */
@Injectable()
export class EstimateRepository {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(PROVIDERS) private readonly providers: Providers,
  ) {}

  /** `now`: epoch ms. Deliveries that are due later than `from` are sent after the message. */
  async read(
    applicationId: string,
    providers: readonly ProviderName[],
    { now, from }: { now: number; from: number },
  ): Promise<{ limits: ProviderLimits[]; workerSeenAt: number | null }> {
    const { rows } = await sql<LimitsRow>`
      select name.provider, ${lastSeen('worker')} as "workerSeenAt", setting.paused_reason as "pausedReason",
        ${PACE_NOW} as "perSecond", pace.growth, pace.lapses_at as "lapsesAt", pace.blocked_until as "blockedUntil",
        status.last_success_at as "lastSuccessAt", status.proven_at as "provenAt",
        case when status.proven_version = coalesce(setting.version, 0) then status.proven_rate end as "provenRate",
        coalesce(ahead.count, 0)::int as ahead
      from unnest(${providers}::text[]) as name (provider)
      left join provider_setting setting on setting.application_id = ${applicationId} and setting.provider = name.provider
      left join provider_status status on status.application_id = ${applicationId} and status.provider = name.provider
      left join pace on pace.application_id = ${applicationId} and pace.provider = name.provider
      left join lateral (
        select sum(counts[${sql.lit(OUTCOME.pending + 1)}] + counts[${sql.lit(OUTCOME.inFlight + 1)}]) as count
        from (
          select counts from batch where application_id = ${applicationId} and provider = name.provider and state = 'waiting'
          union all
          select counts from batch where application_id = ${applicationId} and provider = name.provider
            and state in ('ready', 'leased') and not direct and coalesce(due_at, now()) <= ${new Date(from)}) as batch) as ahead on true`.execute(
      this.database.kysely,
    );
    return {
      limits: rows.map((row) => toLimits(row, this.providers, now)),
      workerSeenAt: rows[0]?.workerSeenAt?.getTime() ?? null,
    };
  }
}

interface LimitsRow {
  provider: ProviderName;
  workerSeenAt: Date | null;
  pausedReason: string | null;
  perSecond: number | null;
  growth: number | null;
  lapsesAt: Date | null;
  blockedUntil: Date | null;
  lastSuccessAt: Date | null;
  provenAt: Date | null;
  /** Null also for a rate that was accepted with other settings. */
  provenRate: number | null;
  ahead: number;
}

function toLimits(row: LimitsRow, providers: Providers, now: number): ProviderLimits {
  const { provider, perSecond, growth, lapsesAt, provenAt } = row;
  return {
    provider,
    ramp: providers[provider].ramp,
    pausedReason: row.pausedReason,
    pace:
      perSecond === null || growth === null || lapsesAt === null
        ? null
        : { perSecond, growth, changedAt: now, lapsesAt: lapsesAt.getTime() },
    blockedUntil: row.blockedUntil?.getTime() ?? null,
    traffic: {
      lastSuccessAt: row.lastSuccessAt?.getTime() ?? null,
      proven: provenAt === null ? null : { perSecond: row.provenRate ?? 0, at: provenAt.getTime() },
    },
    ahead: row.ahead,
  };
}
