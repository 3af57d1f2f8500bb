import { Inject, Injectable } from '@nestjs/common';
import { ApiError, notFound } from '../../common/errors.js';
import { countAccepted } from '../../common/meters.js';
import type { Database } from '../../database/database.js';
import { DATABASE } from '../../database/database.module.js';
import { afterCommit, inTransaction } from '../../database/transaction.js';
import type { Tx } from '../../database/transaction.js';
import { BatchRepository } from '../../delivery/batch.repository.js';
import type { QueuedBatch } from '../../delivery/batch.js';
import { newMessageId } from './message-id.js';
import { MessageInsertRepository } from './message-insert.repository.js';
import type { Kept } from './message-insert.repository.js';
import { batchesOf, hasWaiting, isHeldUp, kindOf } from './new-message.js';
import type { Acceptable, NewMessage } from './new-message.js';

/** Messages of one statement of `acceptWithin`. */
const AT_ONCE = 500;

/** Commits messages. The callers tell the queue. */
@Injectable()
export class AcceptanceService {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly inserts: MessageInsertRepository,
    private readonly batches: BatchRepository,
  ) {}

  /**
   * Inserts messages, all or (if it fails) none. Messages with `batches` get these batches; the others are expanded, at
   * once or at their `sendAt`. If an id or an Idempotency-Key is taken, the seq of that message is null; with `whole`,
   * no message is inserted then. Throws FPWSE0001E when the original of a resend is gone, FPWSE0025E when the upstream
   * is.
   */
  async acceptAll(list: readonly Acceptable[], { whole = false } = {}): Promise<Kept> {
    const kept = await this.insert(list, whole);
    for (const [index, { message }] of list.entries())
      if (kept.seqs[index] !== null) countAccepted(message.applicationId, kindOf(message));
    return kept;
  }

  private async insert(list: readonly Acceptable[], whole: boolean): Promise<Kept> {
    // The usual case. One statement saves three round trips of a transaction, for which the request would wait.
    if (!whole && list.every(isOneStatement)) return this.inserts.insertAlone(list);
    try {
      return await inTransaction(this.database, async (tx) => {
        await this.holdOriginals(list, tx);
        await this.holdUpstreams(list, tx);
        const { seqs, queued } = await this.inserts.insert(list, tx);
        if (whole && seqs.includes(null)) throw new NotWhole();
        const kept = list.filter((_each, index) => seqs[index] !== null);
        await this.insertData(list, seqs, tx);
        return { seqs, queued: [...queued, ...(await this.promote(kept, tx))] };
      });
    } catch (error) {
      if (error instanceof NotWhole) return { seqs: list.map(() => null), queued: [] };
      throw error;
    }
  }

  /**
   * Inserts messages that are to be expanded, in the transaction of the caller. Returns their seqs in order. If an id
   * is taken, the message gets a new id.
   */
  async acceptWithin(messages: readonly NewMessage[], tx: Tx): Promise<number[]> {
    const kept = new Map<NewMessage, number>();
    for (let left = messages; left.length > 0; left = messages.filter((message) => !kept.has(message))) {
      const some = left.slice(0, AT_ONCE);
      const { seqs } = await this.inserts.insert(
        some.map((message) => ({ message, batches: null })),
        tx,
      );
      for (const [index, message] of some.entries()) {
        const seq = seqs[index] ?? null;
        if (seq === null) message.id = newMessageId();
        else kept.set(message, seq);
      }
    }
    afterCommit(tx, () => {
      for (const message of messages) countAccepted(message.applicationId, kindOf(message));
    });
    return messages.map((message) => kept.get(message) ?? 0);
  }

  private async holdOriginals(list: readonly Acceptable[], tx: Tx): Promise<void> {
    for (const { message } of list) {
      if (!message.resend) continue;
      const found = await this.inserts.holdOriginal(message.applicationId, message.resend.of, tx);
      if (!found) throw notFound('message', 'messageId');
    }
  }

  /** A resend is accepted without an upstream as well, because a resend may be for devices only. */
  private async holdUpstreams(list: readonly Acceptable[], tx: Tx): Promise<void> {
    const relayed = list.map(({ message }) => message).filter(({ notification }) => notification.relay);
    const needed = new Set(relayed.filter(({ resend }) => !resend).map(({ applicationId }) => applicationId));
    for (const applicationId of new Set(relayed.map((message) => message.applicationId)))
      if (!(await this.inserts.holdUpstream(applicationId, tx)) && needed.has(applicationId))
        throw new ApiError('FPWSE0025E', 'The upstream was removed at this moment: send the message again.');
  }

  private async insertData(list: readonly Acceptable[], seqs: readonly (number | null)[], tx: Tx): Promise<void> {
    for (const [index, { message }] of list.entries()) {
      const seq = seqs[index] ?? null;
      if (seq === null) continue;
      const { applicationId, data, resend } = message;
      if (data?.size) await this.inserts.insertData(seq, data, tx);
      if (resend) await this.inserts.copyData(seq, { applicationId, id: resend.of }, tx);
    }
  }

  /** Lets broadcast batches of small messages into their windows at once; most transactions have none. */
  private async promote(kept: readonly Acceptable[], tx: Tx): Promise<QueuedBatch[]> {
    const promoted: QueuedBatch[] = [];
    const waiting = kept.filter(hasWaiting);
    for (const applicationId of [...new Set(waiting.map(({ message }) => message.applicationId))].toSorted()) {
      const own = waiting.filter(({ message }) => message.applicationId === applicationId);
      const providers = own.flatMap((acceptable) => batchesOf(acceptable).map(({ provider }) => provider));
      promoted.push(...(await this.batches.promote(applicationId, providers, tx)));
    }
    return promoted;
  }
}

class NotWhole extends Error {}

/** Nothing besides the message and its batches is read, locked or written. */
function isOneStatement(acceptable: Acceptable): boolean {
  return !isHeldUp(acceptable) && !acceptable.message.data?.size;
}
