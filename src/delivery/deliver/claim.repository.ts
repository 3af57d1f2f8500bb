import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { Transaction } from 'kysely';
import { isTryDue, waitForTry } from '../../applications/provider-setting.repository.js';
import { DATABASE } from '../../database/database.module.js';
import type { Database } from '../../database/database.js';
import type { Tables } from '../../database/tables.js';
import { hasStepped, isOver } from '../../database/waits.js';
import type { Ramp } from '../../providers/provider.js';
import type { LeasedBatch, PostponedBatch } from '../batch.js';
import { LEASE_S, inMs, ledgerColumns, recordedAt } from '../batch.repository.js';
import { CLAIMED, joined, toLeased } from './claim-row.repository.js';
import type { ClaimRow } from './claim-row.repository.js';
import { rampUp } from './pace.js';
import { PaceRepository } from './pace.repository.js';
import type { Turn } from './pace.repository.js';

/** The facts about a provider that a claim needs. */
export interface ClaimTerms {
  needsSettings: boolean;
  ramp?: Ramp;
}

/** Claims batches for sending. */
@Injectable()
export class ClaimRepository {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly pace: PaceRepository,
  ) {}

  /**
   * Leases a due batch and marks the deliveries to send as in flight. Returns null if there is nothing to do: the batch
   * is done, held by another worker, not due, its application was removed, its message is paused, or its provider is
   * paused for the application (then the batch is parked). `takeOver`: also from a worker whose lease has expired.
   * After a step of the clock, an expired lease may belong to a living worker. Returns a postponed batch if its turn at
   * the provider's pace or its message's time comes later.
   */
  async claim(
    id: number,
    provider: ClaimTerms,
    now: number,
    takeOver = true,
  ): Promise<LeasedBatch | PostponedBatch | null> {
    return this.database.kysely.transaction().execute(async (transaction) => {
      const { rows } = await sql<ClaimRow>`
        select ${CLAIMED} from ${joined()}
        where batch.id = ${id}
          and (batch.state = 'ready' and batch.due_at <= now() or ${takeOver} and not ${hasStepped(now)}
            and batch.state = 'leased' and ${isOver(sql`batch.lease_until`, LEASE_S)})
        for update of batch skip locked`.execute(transaction);
      const row = rows[0];
      if (!row) return null;
      const batch = toLeased(row, provider.needsSettings, now);
      const over = batch.terms.cancelled || now >= batch.terms.expiresAt;
      batch.isProbe =
        row.paused_reason !== null && row.paused_at === null && !over && (await takeTry(row, now, transaction));
      if ((row.paused_reason !== null || row.paused_at !== null) && !over && !batch.isProbe) {
        // The batch may stay parked for days, so deliveries of a lost worker become unknown now instead of staying in
        // flight.
        batch.ledger.settleLost(batch.terms);
        await transaction
          .updateTable('batch')
          .set({ ...ledgerColumns(batch.ledger), state: 'parked', touched_at: recordedAt(), lease_until: null })
          .where('id', '=', id)
          .execute();
        return null;
      }
      const turn = over || batch.isProbe ? NO_LIMIT : await this.takeTurn(row, batch, provider.ramp, transaction);
      if ('waitMs' in turn) return this.postpone(row, turn, transaction);
      // A random position, so that one device that is refused for its own reasons does not block the probe.
      const anywhere = Math.floor(Math.random() * batch.deviceSeqs.length);
      batch.due.push(...batch.ledger.begin(batch.terms, ...(batch.isProbe ? [1, anywhere] : [turn.limit])));
      await transaction
        .updateTable('batch')
        .set({
          ...ledgerColumns(batch.ledger),
          state: 'leased',
          started_at: sql`coalesce(started_at, now())`,
          touched_at: recordedAt(),
          epoch: batch.epoch,
          has_slot: false,
          lease_until: sql`now() + make_interval(secs => ${LEASE_S})`,
        })
        .where('id', '=', id)
        .execute();
      return batch;
    });
  }

  /** A direct message alone does not start the ramp: it obeys an existing limit and creates none. */
  private takeTurn(
    row: ClaimRow,
    batch: LeasedBatch,
    ramp: Ramp | undefined,
    transaction: Transaction<Tables>,
  ): Promise<Turn> | Turn {
    // Ready before its time: the batch was parked for another reason and released again.
    if ((row.early_ms ?? 0) > 0) return { waitMs: row.early_ms ?? 0, hasSlot: false };
    const { now } = batch.terms;
    const start = row.direct ? null : rampUp(ramp, row.last_success_at?.getTime() ?? null, now);
    if (row.paced !== true && start === null) return NO_LIMIT;
    const { applicationId, provider, direct } = batch;
    const due = batch.ledger.countDue(now);
    const request = { applicationId, provider, direct, hasSlot: row.has_slot, due };
    return this.pace.takeTurn(request, start, transaction);
  }

  private async postpone(
    { id, epoch, provider, direct }: ClaimRow,
    turn: { waitMs: number; hasSlot: boolean },
    transaction: Transaction<Tables>,
  ): Promise<PostponedBatch> {
    const next = { state: 'ready' as const, lease_until: null, epoch: epoch + 1, has_slot: turn.hasSlot };
    await transaction
      .updateTable('batch')
      .set({ ...next, due_at: inMs(turn.waitMs), waits_since: inMs(0) })
      .where('id', '=', id)
      .execute();
    return { id, epoch: next.epoch, provider, direct, delayMs: turn.waitMs };
  }
}

/**
 * While an application is paused, one delivery at growing intervals tests whether it may send again. Returns true for
 * the one claim, among all processes, that makes the test. A process that has not noticed a step of the clock does not
 * test, because its tokens are for the wrong time.
 */
async function takeTry(row: ClaimRow, now: number, transaction: Transaction<Tables>): Promise<boolean> {
  // Locks nothing before the time: all batches of a broadcast come here in turn.
  if (!row.try_is_due) return false;
  const { rows } = await sql`
    update provider_setting set tries = tries + 1, next_try_at = now() + ${waitForTry(sql`tries + 1`)}
    where application_id = ${row.application_id} and provider = ${row.provider}
      and paused_reason is not null and ${isTryDue} and not ${hasStepped(now)}
    returning tries`.execute(transaction);
  return rows.length > 0;
}

const NO_LIMIT: Turn = { limit: Infinity };
