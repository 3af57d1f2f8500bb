import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { isTryDue, waitForTry } from '../../applications/provider-setting.repository.js';
import { executePrepared } from '../../database/prepared.js';
import type { Tx } from '../../database/transaction.js';
import { hasStepped, isWaitOver } from '../../database/waits.js';
import type { LeasedBatch, PostponedBatch } from '../batch.js';
import { LEASE_S, inMs, ledgerColumns, recordedAt } from '../batch.repository.js';
import { CLAIMED, joined } from './claim-row.repository.js';
import type { ClaimRow } from './claim-row.repository.js';

@Injectable()
export class ClaimRepository {
  /**
   * Locks a batch that is due, or with `takeOver` one whose lease has expired. Undefined: the batch is done, not due,
   * leased or locked by another transaction, or its application was removed.
   */
  async lockDue(id: number, now: number, takeOver: boolean, tx: Tx): Promise<ClaimRow | undefined> {
    const [row] = await executePrepared(
      tx,
      'lock-batch',
      sql<ClaimRow>`
        select ${CLAIMED} from ${joined()}
        where batch.id = ${id}
          and (batch.state = 'ready' and batch.due_at <= now() or ${takeOver} and not ${hasStepped(now)}
            and batch.state = 'leased' and ${isWaitOver(sql`batch.lease_until`, LEASE_S)})
        for update of batch skip locked`,
    );
    return row;
  }

  async lease({ id, epoch, ledger }: LeasedBatch, tx: Tx): Promise<void> {
    const leased = tx
      .updateTable('batch')
      .set({
        ...ledgerColumns(ledger),
        state: 'leased',
        started_at: sql`coalesce(started_at, now())`,
        touched_at: recordedAt(),
        epoch,
        has_slot: false,
        lease_until: sql`now() + make_interval(secs => ${LEASE_S})`,
      })
      .where('id', '=', id);
    await executePrepared(tx, 'lease-batch', leased);
  }

  async park({ id, ledger }: LeasedBatch, tx: Tx): Promise<void> {
    await tx
      .updateTable('batch')
      .set({ ...ledgerColumns(ledger), state: 'parked', touched_at: recordedAt(), lease_until: null })
      .where('id', '=', id)
      .execute();
  }

  async postpone(
    { id, epoch, application_id: applicationId, provider, urgent }: ClaimRow,
    turn: { waitMs: number; hasSlot: boolean },
    tx: Tx,
  ): Promise<PostponedBatch> {
    const next = { state: 'ready' as const, lease_until: null, epoch: epoch + 1, has_slot: turn.hasSlot };
    await tx
      .updateTable('batch')
      .set({ ...next, due_at: inMs(turn.waitMs), waits_since: inMs(0) })
      .where('id', '=', id)
      .execute();
    return { id, epoch: next.epoch, applicationId, provider, urgent, delayMs: turn.waitMs };
  }

  /**
   * While an application is paused, one delivery at growing intervals tests whether it may send again. Returns true for
   * the one claim, among all processes, that makes the test. A process that has not noticed a step of the clock does
   * not test, because its tokens are for the wrong time.
   */
  async takeTry(row: ClaimRow, now: number, tx: Tx): Promise<boolean> {
    // Locks nothing before the time: all batches of a broadcast come here in turn.
    if (!row.try_is_due) return false;
    const { rows } = await sql`
      update provider_setting set tries = tries + 1, next_try_at = now() + ${waitForTry(sql`tries + 1`)}
      where application_id = ${row.application_id} and provider = ${row.provider}
        and paused_reason is not null and ${isTryDue} and not ${hasStepped(now)}
      returning tries`.execute(tx);
    return rows.length > 0;
  }
}
