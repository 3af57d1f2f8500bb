import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { DATABASE } from '../../database/database.module.js';
import type { Database } from '../../database/database.js';
import { inTransaction } from '../../database/transaction.js';
import type { Tx } from '../../database/transaction.js';
import { BatchRepository } from '../../delivery/batch.repository.js';
import type { QueuedBatch } from '../../delivery/batch.js';
import { MessageRateRepository } from '../../delivery/expand/message-rate.repository.js';
import type { ProviderName } from '../../providers/provider.js';

/** Stored states of messages that have not ended. */
const MOVING = ['scheduled', 'accepted', 'expanding', 'sending'] as const;

/**
 * Pauses, resumes and cancels messages. Batches are changed only to save work, and locked batches are skipped: a claim,
 * a checkpoint and the end of a batch each check the message themselves.
 */
@Injectable()
export class MessageControlRepository {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly batches: BatchRepository,
    private readonly rates: MessageRateRepository,
  ) {}

  /** Cancels deliveries that were not sent. Returns false if the message does not exist or has ended. */
  async cancel(applicationId: string, id: string, transaction?: Tx): Promise<boolean> {
    if (!transaction) return inTransaction(this.database, (own) => this.cancel(applicationId, id, own));
    const row = await transaction
      .updateTable('message')
      .set({ state: 'cancelled', paused_at: null })
      .where('application_id', '=', applicationId)
      .where('id', '=', id)
      .where('state', 'in', [...MOVING, 'awaitingApproval'])
      .returning('seq')
      .executeTakeFirst();
    if (!row) return false;
    await release(row.seq, transaction);
    await this.batches.settleMessage(row.seq, transaction);
    return true;
  }

  /**
   * No further delivery is sent until the message is resumed. Returns false if the message has ended or is paused
   * already.
   */
  pause(applicationId: string, id: string, now: Date): Promise<boolean> {
    return inTransaction(this.database, async (transaction) => {
      const row = await transaction
        .updateTable('message')
        .set({ paused_at: now })
        .where('application_id', '=', applicationId)
        .where('id', '=', id)
        .where('state', 'in', MOVING)
        .where('paused_at', 'is', null)
        .returning('seq')
        .executeTakeFirst();
      if (!row) return false;
      await sql`
        update batch set state = 'parked' where id in (
          select id from batch where message_seq = ${row.seq} and state in ('waiting', 'ready')
          for update skip locked)`.execute(transaction);
      return true;
    });
  }

  /**
   * Continues a paused message; parked batches wait for a place in the windows of `providers`. Returns null if the
   * message is not paused. `toExpand`: its expansion had not ended. `queued`: steps of a message with a rate, which
   * continues at its rate.
   */
  resume(
    applicationId: string,
    id: string,
  ): Promise<{ seq: number; toExpand: boolean; providers: Set<ProviderName>; queued: QueuedBatch[] } | null> {
    return inTransaction(this.database, async (transaction) => {
      // Before the row of the message, as an expansion does.
      const rate = await this.rates.holdOf(applicationId, id, transaction);
      const row = await transaction
        .updateTable('message')
        .set({ paused_at: null })
        .where('application_id', '=', applicationId)
        .where('id', '=', id)
        .where('state', 'in', MOVING)
        .where('paused_at', 'is not', null)
        .returning(['seq', 'state', 'quiet'])
        .executeTakeFirst();
      if (!row) return null;
      const providers = await release(row.seq, transaction);
      const queued = rate ? await this.rates.placeAnew(row.seq, row.quiet ?? [], rate, transaction) : [];
      return { seq: row.seq, toExpand: row.state === 'accepted' || row.state === 'expanding', providers, queued };
    });
  }
}

/**
 * Parked batches, and batches that wait for a retry, become waiting. Each gets a new epoch, because the queue may still
 * have the retry's job under the old one and accepts no second job of that name. Returns their providers. Uses the
 * clock when rows are read: now() is the start of the transaction, and a batch inserted while the transaction waited
 * for the message is due later than that.
 */
async function release(messageSeq: number, transaction: Tx): Promise<Set<ProviderName>> {
  const { rows } = await sql<{ provider: ProviderName }>`
    update batch set state = 'waiting', epoch = epoch + 1 where id in (
      select id from batch
      where message_seq = ${messageSeq} and (state = 'parked' or state = 'ready' and due_at > clock_timestamp())
      for update skip locked)
    returning provider`.execute(transaction);
  return new Set(rows.map((row) => row.provider));
}
