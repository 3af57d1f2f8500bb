import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { Selectable } from 'kysely';
import type { PaceTable } from '../../database/provider-tables.js';
import type { Tx } from '../../database/transaction.js';
import { wentBackBy } from '../../database/waits.js';
import type { Destination } from '../batch.js';
import type { Pace } from './pace.js';

/** A pace that is locked until the transaction ends. Times are epoch ms by the clock of the database. */
export interface HeldPace {
  now: number;
  pace: Pace;
  slotAt: number;
  blockedUntil: number;
}

/**
 * The rate per application and provider, shared by all processes: a row holds the rate and the start of the next turn,
 * and each claim moves the start by its number of deliveries. An application without a row is not limited.
 */
@Injectable()
export class PaceRepository {
  /** Epoch ms by the clock of the database. */
  async now(tx: Tx): Promise<number> {
    const { rows } = await sql<{ now: Date }>`select clock_timestamp() as now`.execute(tx);
    return rows[0]!.now.getTime();
  }

  /** Deliveries per second of all processes together, as they report them. */
  async reportedRate({ applicationId, provider }: Destination, tx: Tx): Promise<number> {
    const { rows } = await sql<{ rate: number }>`
      select coalesce(sum((process.value->>'rate')::float8), 0) as rate
      from provider_status, jsonb_each(processes) as process
      where application_id = ${applicationId} and provider = ${provider}`.execute(tx);
    return rows[0]?.rate ?? 0;
  }

  /**
   * The row, locked until the transaction ends and created from `start` if missing. Times are the database's, because
   * clocks of processes differ.
   */
  async lock({ applicationId, provider }: Destination, start: Pace | null, tx: Tx): Promise<HeldPace | null> {
    if (start)
      await tx
        .insertInto('pace')
        .values({
          application_id: applicationId,
          provider,
          ...toColumns(start),
          slot_at: new Date(0),
          written_at: sql`now()`,
        })
        .onConflict((conflict) => conflict.doNothing())
        .execute();
    const row = await tx
      .selectFrom('pace')
      .selectAll()
      .select(sql<Date>`clock_timestamp()`.as('now'))
      .where('application_id', '=', applicationId)
      .where('provider', '=', provider)
      .forUpdate()
      .executeTakeFirst();
    if (!row) return null;
    const now = row.now.getTime();
    const backBy = wentBackBy(row.written_at, now);
    const before = (at: Date): Date => new Date(at.getTime() - backBy);
    const [slotAt, blockedUntil] = [before(row.slot_at), before(row.blocked_until ?? new Date(0))];
    const pace = toPace({ ...row, changed_at: before(row.changed_at), lapses_at: before(row.lapses_at) });
    if (backBy > 0)
      await this.update(
        { applicationId, provider },
        pace,
        { slotAt: slotAt.getTime(), blockedUntil: blockedUntil.getTime() },
        tx,
      );
    return { now, pace, slotAt: slotAt.getTime(), blockedUntil: blockedUntil.getTime() };
  }

  /** The provider refused a higher rate: the next start does not use more than this. */
  async lowerProof({ applicationId, provider }: Destination, perSecond: number, tx: Tx): Promise<void> {
    await tx
      .updateTable('provider_status')
      .set({ proven_rate: perSecond, proven_at: sql`clock_timestamp()` })
      .where('application_id', '=', applicationId)
      .where('provider', '=', provider)
      .where('proven_rate', '>', perSecond)
      .execute();
  }

  /** If `blockedUntil` is absent, the stored value stays. */
  async update(
    { applicationId, provider }: Destination,
    pace: Pace,
    { slotAt, blockedUntil }: { slotAt: number; blockedUntil?: number },
    tx: Tx,
  ): Promise<void> {
    await tx
      .updateTable('pace')
      .set({
        ...toColumns(pace),
        slot_at: new Date(slotAt),
        ...(blockedUntil !== undefined && { blocked_until: new Date(blockedUntil) }),
        written_at: sql`clock_timestamp()`,
      })
      .where('application_id', '=', applicationId)
      .where('provider', '=', provider)
      .execute();
  }
}

type PaceColumns = Pick<Selectable<PaceTable>, 'per_second' | 'growth' | 'changed_at' | 'lapses_at'>;

function toColumns(pace: Pace): PaceColumns {
  return {
    per_second: pace.perSecond,
    growth: pace.growth,
    changed_at: new Date(pace.changedAt),
    lapses_at: new Date(pace.lapsesAt),
  };
}

function toPace(row: PaceColumns): Pace {
  return {
    perSecond: row.per_second,
    growth: row.growth,
    changedAt: row.changed_at.getTime(),
    lapsesAt: row.lapses_at.getTime(),
  };
}
