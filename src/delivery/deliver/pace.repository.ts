import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { Selectable, Transaction } from 'kysely';
import { wallClock } from '../../common/clock.js';
import { DATABASE } from '../../database/database.module.js';
import type { Database } from '../../database/database.js';
import type { PaceTable, Tables } from '../../database/tables.js';
import { wentBackBy } from '../../database/waits.js';
import type { Lot } from '../batch.js';
import { durationOf, rateAt, slowDown, turnSize } from './pace.js';
import type { Pace } from './pace.js';

/** A batch that asks for its turn. */
export interface TurnRequest extends Lot {
  direct: boolean;
  /** True if the batch has waited for a turn that was reserved for it. */
  hasSlot: boolean;
  /** Number of deliveries to write. */
  due: number;
}

/** A turn now for this many deliveries, or the wait before asking again. `hasSlot`: the turn is reserved. */
export type Turn = { limit: number } | { waitMs: number; hasSlot: boolean };

/** A turn that comes sooner is not waited for in the table. */
const AT_ONCE_MS = 50;

/**
 * The rate per application and provider, shared by all processes: a row holds the rate and the start of the next turn,
 * and each claim moves the start by its number of deliveries. An application without a row is not limited.
 */
@Injectable()
export class PaceRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /**
   * Takes a turn within the claim's transaction, so that a failed claim takes none. `start`: the pace to begin with if
   * there is none. Direct batches are counted, but wait only if the provider named a time.
   */
  async takeTurn(request: TurnRequest, start: Pace | null, transaction: Transaction<Tables>): Promise<Turn> {
    const row = await this.lock(request, start, transaction);
    if (!row) return { limit: Infinity };
    if (row.blockedUntil > row.now) return { waitMs: row.blockedUntil - row.now, hasSlot: false };
    const pace = rateAt(row.pace, row.now) === null ? start : row.pace;
    const rate = rateAt(pace, row.now);
    if (pace === null || rate === null) return { limit: Infinity };
    const count = request.direct ? request.due : Math.min(request.due, turnSize(rate));
    if (request.hasSlot) return { limit: count };
    const at = Math.max(row.now, row.slotAt);
    await this.update(request, { ...toColumns(pace), slot_at: new Date(at + durationOf(count, rate)) }, transaction);
    const waitMs = at - row.now;
    return request.direct || waitMs <= AT_ONCE_MS ? { limit: count } : { waitMs, hasSlot: true };
  }

  /**
   * The provider asked for less: sends nothing until `untilMs` (epoch ms by this process' view of the database's
   * clock), and afterwards less than all processes together sent. `ownRate`: deliveries per second of this batch, if no
   * process has reported a rate yet.
   */
  async slowDown(lot: Lot, untilMs: number, ownRate: number): Promise<void> {
    const waitMs = untilMs - wallClock();
    await this.database.kysely.transaction().execute(async (transaction) => {
      const { rows } = await sql<{ now: Date }>`select clock_timestamp() as now`.execute(transaction);
      const blockedUntil = rows[0]!.now.getTime() + waitMs;
      const observed = Math.max(ownRate, await this.reportedRate(lot, transaction));
      const row = await this.lock(lot, slowDown(null, observed, blockedUntil), transaction);
      if (!row) return;
      const until = new Date(Math.max(row.blockedUntil, blockedUntil));
      const pace = slowDown(row.pace, observed, row.now);
      await this.update(lot, { ...toColumns(pace), slot_at: until, blocked_until: until }, transaction);
    });
  }

  private async reportedRate({ applicationId, provider }: Lot, transaction: Transaction<Tables>): Promise<number> {
    const { rows } = await sql<{ rate: number }>`
      select coalesce(sum((process.value->>'rate')::float8), 0) as rate
      from provider_status, jsonb_each(processes) as process
      where application_id = ${applicationId} and provider = ${provider}`.execute(transaction);
    return rows[0]?.rate ?? 0;
  }

  /**
   * The row, locked until the transaction ends and created from `start` if missing. Times are the database's, because
   * clocks of processes differ.
   */
  private async lock(
    { applicationId, provider }: Lot,
    start: Pace | null,
    transaction: Transaction<Tables>,
  ): Promise<{ now: number; pace: Pace; slotAt: number; blockedUntil: number } | null> {
    if (start)
      await transaction
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
    const row = await transaction
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
        { ...toColumns(pace), slot_at: slotAt, blocked_until: blockedUntil },
        transaction,
      );
    return { now, pace, slotAt: slotAt.getTime(), blockedUntil: blockedUntil.getTime() };
  }

  private async update(
    { applicationId, provider }: Lot,
    columns: PaceColumns & { slot_at: Date; blocked_until?: Date },
    transaction: Transaction<Tables>,
  ): Promise<void> {
    await transaction
      .updateTable('pace')
      .set({ ...columns, written_at: sql`clock_timestamp()` })
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
