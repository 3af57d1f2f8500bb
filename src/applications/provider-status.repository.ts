import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { MINUTE_MS, SECOND_MS } from '../common/durations.js';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';
import type { ProcessStatus } from '../database/provider-tables.js';
import { inTransaction } from '../database/transaction.js';
import type { Tx } from '../database/transaction.js';
import type { ProviderName } from '../providers/provider.js';
import { prove } from './proven-rate.js';
import type { Proven } from './proven-rate.js';

/** A process whose last report is older has ended, or no longer sends to the provider. */
const FRESH_MS = MINUTE_MS;
/** Rates of reports of this age (each process reports every five seconds) belong to one rate of all processes. */
const TOGETHER_MS = 10 * SECOND_MS;

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

/** The rate of a row of `pace` at this moment. */
export const PACE_NOW = sql<number>`pace.per_second
  * power(pace.growth, extract(epoch from now() - pace.changed_at) / 60)::float8`;

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
      const { lastError, process: own } = report;
      const processes = { ...fresh, [process]: own };
      const isSame = row.proven_version === own.settingsVersion;
      const proof = proofOf(isSame ? provenOf(row) : null, processes, own);
      const isProof = own.rate > 0 && (!isSame || row.proven_at?.getTime() !== proof.at);
      const isNews = lastError !== null && lastError.at >= (row.last_error_at?.getTime() ?? 0);
      await transaction
        .updateTable('provider_status')
        .set({
          last_success_at: later(row.last_success_at, report.lastSuccessAt),
          ...(isNews && { last_error_at: new Date(lastError.at), last_error: lastError.reason }),
          ...(isProof &&
            !(await wasRefused(applicationId, provider, transaction)) && {
              proven_rate: proof.perSecond,
              proven_at: new Date(proof.at),
              proven_version: own.settingsVersion,
            }),
          processes: JSON.stringify(processes),
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
      select provider, ${PACE_NOW} as "perSecond",
        case when blocked_until > now() then blocked_until end as "blockedUntil"
      from pace where application_id = ${applicationId} and lapses_at > now()`.execute(this.database.kysely);
    return rows;
  }
}

interface ProvenColumns {
  proven_rate: number | null;
  proven_at: Date | null;
}

function provenOf({ proven_rate, proven_at }: ProvenColumns): Proven | null {
  return proven_at === null ? null : { perSecond: proven_rate ?? 0, at: proven_at.getTime() };
}

/** The known proof, or the rate of all processes with the same settings if it is higher. */
function proofOf(known: Proven | null, processes: Record<string, ProcessStatus>, own: ProcessStatus): Proven {
  const together = Object.values(processes).filter(
    ({ reportedAt, settingsVersion }) =>
      settingsVersion === own.settingsVersion && own.reportedAt - reportedAt < TOGETHER_MS,
  );
  const perSecond = together.reduce((sum, { rate }) => sum + rate, 0);
  return prove(known, perSecond, own.reportedAt);
}

/** Whether the provider asked for less during the time of the last reports: their rate was too high. */
async function wasRefused(applicationId: string, provider: ProviderName, tx: Tx): Promise<boolean> {
  const { rows } = await sql`
    select from pace where application_id = ${applicationId} and provider = ${provider}
      and blocked_until > now() - make_interval(secs => ${TOGETHER_MS / SECOND_MS})`.execute(tx);
  return rows.length > 0;
}

function freshOf(processes: Record<string, ProcessStatus>, now: number): Record<string, ProcessStatus> {
  return Object.fromEntries(Object.entries(processes).filter(([, { reportedAt }]) => now - reportedAt < FRESH_MS));
}

function later(known: Date | null, reported: number | null): Date | null {
  if (reported === null) return known;
  return new Date(Math.max(known?.getTime() ?? 0, reported));
}
