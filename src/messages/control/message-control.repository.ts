import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { Transaction } from 'kysely';
import { DATABASE } from '../../database/database.module.js';
import type { Database } from '../../database/database.js';
import type { Tables } from '../../database/tables.js';
import { BatchRepository } from '../../delivery/batch.repository.js';
import type { ProviderName } from '../../providers/provider.js';

/** The stored states in which something of a message is left to do. */
const MOVING = ['scheduled', 'accepted', 'expanding', 'sending'] as const;

/**
 * Stops and starts messages. The batches are changed for tidiness and speed, and those that another transaction holds at
 * this moment are passed over: a claim, a checkpoint and the end of a batch each look at the message themselves.
 */
@Injectable()
export class MessageControlRepository {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly batches: BatchRepository,
  ) {}

  /** Calls off what has not left; false when there is no such message, or nothing of it is left to call off. */
  async cancel(applicationId: string, id: string, transaction?: Transaction<Tables>): Promise<boolean> {
    if (!transaction) return this.database.kysely.transaction().execute((own) => this.cancel(applicationId, id, own));
    const row = await transaction
      .updateTable('message')
      .set({ state: 'cancelled', paused_at: null })
      .where('application_id', '=', applicationId)
      .where('id', '=', id)
      .where('state', 'in', MOVING)
      .returning('seq')
      .executeTakeFirst();
    if (!row) return false;
    await release(row.seq, transaction);
    await this.batches.settleMessage(row.seq, transaction);
    return true;
  }

  /** Nothing new of it is written until it is resumed; false when nothing of it is left, or it is paused already. */
  pause(applicationId: string, id: string, now: Date): Promise<boolean> {
    return this.database.kysely.transaction().execute(async (transaction) => {
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
   * Goes on where it was: what was parked waits for its place in the windows of `providers`. Null when it is not paused;
   * `toExpand`: its expansion had not ended.
   */
  resume(
    applicationId: string,
    id: string,
  ): Promise<{ seq: number; toExpand: boolean; providers: Set<ProviderName> } | null> {
    return this.database.kysely.transaction().execute(async (transaction) => {
      const row = await transaction
        .updateTable('message')
        .set({ paused_at: null })
        .where('application_id', '=', applicationId)
        .where('id', '=', id)
        .where('state', 'in', MOVING)
        .where('paused_at', 'is not', null)
        .returning(['seq', 'state'])
        .executeTakeFirst();
      if (!row) return null;
      const providers = await release(row.seq, transaction);
      return { seq: row.seq, toExpand: row.state === 'accepted' || row.state === 'expanding', providers };
    });
  }
}

/**
 * Parked batches, and those that wait for a retry, move up again. A new epoch, because the queue may still hold a job
 * for the retry under the old one, and takes no second of that name. Answers their providers. The clock is read when the
 * rows are: now() is the transaction's start, and a batch inserted while it waited for the message is due after that.
 */
async function release(messageSeq: number, transaction: Transaction<Tables>): Promise<Set<ProviderName>> {
  const { rows } = await sql<{ provider: ProviderName }>`
    update batch set state = 'waiting', epoch = epoch + 1 where id in (
      select id from batch
      where message_seq = ${messageSeq} and (state = 'parked' or state = 'ready' and due_at > clock_timestamp())
      for update skip locked)
    returning provider`.execute(transaction);
  return new Set(rows.map((row) => row.provider));
}
