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

/** What a claim must know of the provider. */
export interface ClaimTerms {
  needsSettings: boolean;
  ramp?: Ramp;
}

/** Taking batches to work on. */
@Injectable()
export class ClaimRepository {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly pace: PaceRepository,
  ) {}

  /**
   * Leases a batch that is due and marks what is to be sent as in flight. Null when there is nothing to do: done, held
   * by another worker, not due, of an application that was removed, or its message is paused, or its provider for the
   * application (then it is parked).
   * `takeOver`: also from a worker whose lease has run out. A lease that is over by a clock that has just stepped may be that
   * of a living worker.
   * Postponed when its turn at the provider's pace is later, or its message leaves later.
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
        // It may be parked for days: what a lost worker wrote is called unknown meanwhile, not in flight.
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
      // Any of them, so that one device that is refused for itself does not keep the others from their messages.
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

  /** A direct message alone is no traffic that begins: it waits for a limit that is there, and makes none. */
  private takeTurn(
    row: ClaimRow,
    batch: LeasedBatch,
    ramp: Ramp | undefined,
    transaction: Transaction<Tables>,
  ): Promise<Turn> | Turn {
    // Ready before its time: it was parked, by somebody else's trouble, and let go again.
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
 * One delivery at growing intervals tries whether an application that is paused may send again: true for the one claim,
 * among all of all processes, whose turn it is. No try of a process that has not seen a step of the clock: its credentials'
 * tokens are of the wrong time.
 */
async function takeTry(row: ClaimRow, now: number, transaction: Transaction<Tables>): Promise<boolean> {
  // Before the time nothing is locked: a broadcast's batches come here one after the other.
  if (!row.try_is_due) return false;
  const { rows } = await sql`
    update provider_setting set tries = tries + 1, next_try_at = now() + ${waitForTry(sql`tries + 1`)}
    where application_id = ${row.application_id} and provider = ${row.provider}
      and paused_reason is not null and ${isTryDue} and not ${hasStepped(now)}
    returning tries`.execute(transaction);
  return rows.length > 0;
}

const NO_LIMIT: Turn = { limit: Infinity };
