import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { Transaction } from 'kysely';
import { ApiError, notFound } from '../../common/errors.js';
import { DATABASE } from '../../database/database.module.js';
import { executePrepared } from '../../database/database.js';
import type { Database } from '../../database/database.js';
import type { Tables } from '../../database/tables.js';
import { BatchRepository } from '../../delivery/batch.repository.js';
import type { QueuedBatch } from '../../delivery/batch.js';
import { newMessageId } from './message-id.js';
import { insertMessages, keptOf } from './message-insert.repository.js';
import type { Kept } from './message-insert.repository.js';
import { batchesOf, hasWaiting, isHeldUp } from './new-message.js';
import type { Acceptable, NewMessage } from './new-message.js';

/** One message of a bulk that was accepted before. */
export interface BulkRow {
  id: string;
  alert: string;
  acceptedAt: Date;
}

/** What a resend takes from its original. */
export type Original = Pick<NewMessage, 'body' | 'notification' | 'target' | 'direct' | 'onUnknown'> & {
  /** From when it could leave to its end. */
  lifetimeMs: number;
  /** Null while it still moves. */
  finishedAt: Date | null;
};

/** An earlier message of the same client under the same Idempotency-Key. */
export interface EarlierMessage {
  id: string;
  body: Record<string, unknown>;
  requestHash: Buffer;
}

/** Of one statement, of messages that a transaction makes. */
const AT_ONCE = 500;

@Injectable()
export class MessageRepository {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly batches: BatchRepository,
  ) {}

  /**
   * Keeps all of the messages or, should it fail, none: with their batches where they are given, the others to be expanded,
   * at once or when their time comes. A seq is null where the id or the Idempotency-Key is taken already; `whole`: then none
   * is kept. What is relayed has its batch from the start. Throws FPWSE0001E when the original of a resend is not there any
   * more, FPWSE0025E when the upstream is not.
   */
  async acceptAll(list: readonly Acceptable[], { whole = false } = {}): Promise<Kept> {
    // Three round trips fewer, and this is what most requests wait for.
    if (!whole && list.every(isOneStatement))
      return keptOf(list, await executePrepared(this.database, 'accept', insertMessages(list)));
    try {
      return await this.database.kysely.transaction().execute(async (transaction) => {
        for (const { message } of list)
          if (message.resend) await this.keepOriginal(message.applicationId, message.resend.of, transaction);
        await this.keepUpstreams(list, transaction);
        const { seqs, queued } = await insertWithin(list, transaction);
        if (whole && seqs.includes(null)) throw new NotWhole();
        const kept = list.filter((_each, index) => seqs[index] !== null);
        await keepData(list, seqs, transaction);
        return { seqs, queued: [...queued, ...(await this.promote(kept, transaction))] };
      });
    } catch (error) {
      if (error instanceof NotWhole) return { seqs: list.map(() => null), queued: [] };
      throw error;
    }
  }

  /**
   * Keeps messages that are to be expanded, in the transaction of whoever makes them, with their own id as collapse id.
   * Answers their seqs in order; an id that is taken is drawn again.
   */
  async acceptWithin(messages: NewMessage[], transaction: Transaction<Tables>): Promise<number[]> {
    const kept = new Map<NewMessage, number>();
    for (let left = messages; left.length > 0; left = messages.filter((message) => !kept.has(message))) {
      const rest = left.slice(0, AT_ONCE);
      const { seqs } = await insertWithin(
        rest.map((message) => ({ message, batches: null })),
        transaction,
      );
      for (const [index, message] of rest.entries()) {
        const seq = seqs[index] ?? null;
        if (seq === null) message.id = newMessageId();
        else kept.set(message, seq);
      }
    }
    return messages.map((message) => kept.get(message) ?? 0);
  }

  async findOriginal(applicationId: string, id: string): Promise<Original | undefined> {
    const row = await this.database.kysely
      .selectFrom('message')
      .selectAll()
      .where('application_id', '=', applicationId)
      .where('id', '=', id)
      .where('state', '<>', 'removed')
      .executeTakeFirst();
    return (
      row && {
        body: row.body,
        notification: row.notification,
        target: row.target,
        direct: row.direct,
        onUnknown: row.on_unknown,
        lifetimeMs: row.expires_at.getTime() - (row.send_at ?? row.accepted_at).getTime(),
        finishedAt: row.finished_at,
      }
    );
  }

  async findByIdempotencyKey(
    applicationId: string,
    clientId: string,
    key: string,
  ): Promise<EarlierMessage | undefined> {
    const row = await this.database.kysely
      .selectFrom('message')
      .select(['id', 'body', 'request_hash'])
      .where('application_id', '=', applicationId)
      .where('client_id', '=', clientId)
      .where('idempotency_key', '=', key)
      .executeTakeFirst();
    return row && { id: row.id, body: row.body, requestHash: row.request_hash ?? Buffer.alloc(0) };
  }

  /** Those that wait for their `sendAt`. */
  async countScheduled(applicationId: string): Promise<number> {
    const { count } = await this.database.kysely
      .selectFrom('message')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .where('application_id', '=', applicationId)
      .where('state', '=', 'scheduled')
      .executeTakeFirstOrThrow();
    return count;
  }

  /** The messages of a bulk, in order, by its first one's id. */
  findBulk(applicationId: string, firstId: string): Promise<BulkRow[]> {
    return this.database.kysely
      .selectFrom('message')
      .select(['id', 'accepted_at as acceptedAt', sql<string>`notification->>'alert'`.as('alert')])
      .where('application_id', '=', applicationId)
      .where('bulk_of', '=', firstId)
      .orderBy('seq')
      .execute();
  }

  /** Broadcast batches that are small enough to be there at once; most transactions have none. */
  private async promote(kept: readonly Acceptable[], transaction: Transaction<Tables>): Promise<QueuedBatch[]> {
    const promoted: QueuedBatch[] = [];
    const waiting = kept.filter(hasWaiting);
    for (const applicationId of [...new Set(waiting.map(({ message }) => message.applicationId))].toSorted()) {
      const own = waiting.filter(({ message }) => message.applicationId === applicationId);
      const providers = own.flatMap((acceptable) => batchesOf(acceptable).map(({ provider }) => provider));
      promoted.push(...(await this.batches.promote(applicationId, providers, transaction)));
    }
    return promoted;
  }

  /** A resend may ask for devices only: it is kept without an upstream too. */
  private async keepUpstreams(list: readonly Acceptable[], transaction: Transaction<Tables>): Promise<void> {
    const relayed = list.map(({ message }) => message).filter(({ notification }) => notification.relay);
    const needed = new Set(relayed.filter(({ resend }) => !resend).map(({ applicationId }) => applicationId));
    for (const applicationId of new Set(relayed.map((message) => message.applicationId)))
      if (!(await this.keepUpstream(applicationId, transaction)) && needed.has(applicationId))
        throw new ApiError('FPWSE0025E', 'The upstream was removed at this moment: send the message again.');
  }

  /**
   * Whoever removes the upstream's settings waits for whoever holds the row, and then sees the batch or the resend. False
   * when there are none.
   */
  private async keepUpstream(applicationId: string, transaction: Transaction<Tables>): Promise<boolean> {
    const settings = await transaction
      .selectFrom('provider_setting')
      .select('version')
      .where('application_id', '=', applicationId)
      .where('provider', '=', 'upstream')
      .forKeyShare()
      .executeTakeFirst();
    return settings !== undefined;
  }

  /** The housekeeper waits for whoever holds the row, and then sees the resend. */
  private async keepOriginal(applicationId: string, id: string, transaction: Transaction<Tables>): Promise<void> {
    const original = await transaction
      .selectFrom('message')
      .select('seq')
      .where('application_id', '=', applicationId)
      .where('id', '=', id)
      .where('state', '<>', 'removed')
      .forShare()
      .executeTakeFirst();
    if (!original) throw notFound('message', 'messageId');
  }
}

class NotWhole extends Error {}

/** Nothing but the message and its batches is to be read, locked or written. */
function isOneStatement(acceptable: Acceptable): boolean {
  return !isHeldUp(acceptable) && !acceptable.message.data?.size;
}

async function insertWithin(list: readonly Acceptable[], transaction: Transaction<Tables>): Promise<Kept> {
  const { rows } = await insertMessages(list).execute(transaction);
  return keptOf(list, rows);
}

/** What callers say of users; a resend has what its original had. */
async function keepData(
  list: readonly Acceptable[],
  seqs: readonly (number | null)[],
  transaction: Transaction<Tables>,
): Promise<void> {
  for (const [index, { message }] of list.entries()) {
    const seq = seqs[index] ?? null;
    if (seq === null) continue;
    if (message.data?.size)
      await sql`
        insert into message_data (message_seq, user_id, fields)
        select ${seq}::bigint, key, value from jsonb_each(${JSON.stringify(Object.fromEntries(message.data))}::jsonb)`.execute(
        transaction,
      );
    if (message.resend)
      await sql`
        insert into message_data (message_seq, user_id, fields)
        select ${seq}::bigint, user_id, fields from message_data where message_seq = (
          select seq from message where application_id = ${message.applicationId} and id = ${message.resend.of})`.execute(
        transaction,
      );
  }
}
