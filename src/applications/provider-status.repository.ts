import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { MINUTE_MS } from '../common/durations.js';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';
import type { ProcessStatus } from '../database/tables.js';
import { inTransaction } from '../database/transaction.js';
import type { ProviderName } from '../providers/provider.js';

/** A process whose last report is older has ended, or no longer sends to the provider. */
const FRESH_MS = MINUTE_MS;

export interface StatusReport {
  lastSuccessAt: number | null;
  lastError: { at: number; reason: string } | null;
  process: ProcessStatus;
}

export interface ProviderStatus {
  provider: ProviderName;
  lastSuccessAt: Date | null;
  lastErrorAt: Date | null;
  /** The provider's message. */
  lastError: string | null;
  processes: ProcessStatus[];
}

/** The current limit of an application at a provider. */
export interface ProviderLimit {
  provider: ProviderName;
  /** Deliveries per second, all processes together. */
  perSecond: number;
  /** The provider asked for no requests until then. */
  blockedUntil: Date | null;
}

@Injectable()
export class ProviderStatusRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** Merges one process's report. An older report does not overwrite a newer one of another process. */
  async report(applicationId: string, provider: ProviderName, process: string, report: StatusReport): Promise<void> {
    await inTransaction(this.database, async (transaction) => {
      await transaction
        .insertInto('provider_status')
        .values({ application_id: applicationId, provider, processes: '{}' })
        .onConflict((conflict) => conflict.doNothing())
        .execute();
      const row = await transaction
        .selectFrom('provider_status')
        .selectAll()
        .where('application_id', '=', applicationId)
        .where('provider', '=', provider)
        .forUpdate()
        .executeTakeFirstOrThrow();
      const fresh = freshOf(row.processes, report.process.reportedAt);
      const { lastError } = report;
      const isNews = lastError !== null && lastError.at >= (row.last_error_at?.getTime() ?? 0);
      await transaction
        .updateTable('provider_status')
        .set({
          last_success_at: later(row.last_success_at, report.lastSuccessAt),
          ...(isNews && { last_error_at: new Date(lastError.at), last_error: lastError.reason }),
          processes: JSON.stringify({ ...fresh, [process]: report.process }),
        })
        .where('application_id', '=', applicationId)
        .where('provider', '=', provider)
        .execute();
    });
  }

  async list(applicationId: string, now: number): Promise<ProviderStatus[]> {
    const rows = await this.database.kysely
      .selectFrom('provider_status')
      .selectAll()
      .where('application_id', '=', applicationId)
      .orderBy('provider')
      .execute();
    return rows.map((row) => ({
      provider: row.provider,
      lastSuccessAt: row.last_success_at,
      lastErrorAt: row.last_error_at,
      lastError: row.last_error,
      processes: Object.values(freshOf(row.processes, now)),
    }));
  }

  async listLimits(applicationId: string): Promise<ProviderLimit[]> {
    const { rows } = await sql<ProviderLimit>`
      select provider, per_second * power(growth, extract(epoch from now() - changed_at) / 60)::float8 as "perSecond",
        case when blocked_until > now() then blocked_until end as "blockedUntil"
      from pace where application_id = ${applicationId} and lapses_at > now()`.execute(this.database.kysely);
    return rows;
  }
}

function freshOf(processes: Record<string, ProcessStatus>, now: number): Record<string, ProcessStatus> {
  return Object.fromEntries(Object.entries(processes).filter(([, { reportedAt }]) => now - reportedAt < FRESH_MS));
}

function later(known: Date | null, reported: number | null): Date | null {
  if (reported === null) return known;
  return new Date(Math.max(known?.getTime() ?? 0, reported));
}
