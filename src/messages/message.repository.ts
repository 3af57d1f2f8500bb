import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { Transaction } from 'kysely';
import { notFound } from '../common/errors.js';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';
import type { Tables, Target } from '../database/tables.js';
import { BatchRepository } from '../delivery/batch.repository.js';
import type { QueuedBatch } from '../delivery/batch.js';
import type { NewBatch } from '../delivery/batching.js';
import { OUTCOME } from '../delivery/outcome.js';
import type { OutcomeName } from '../delivery/outcome.js';
import type { Idempotency } from './idempotency.js';
import type { PersonalData } from './personal-data.js';
import type { Notification } from '../providers/notification.js';

export interface NewMessage {
  applicationId: string;
  id: string;
  clientId: string;
  body: Record<string, unknown>;
  notification: Omit<Notification, 'messageId' | 'expiresAt'>;
  target: Target;
  direct: boolean;
  onUnknown: 'resend' | 'hold';
  idempotency: Idempotency | null;
  acceptedAt: Date;
  expiresAt: Date;
  /** When it leaves; absent: at once. */
  sendAt?: Date | null;
  /** The caller's own word for it, to find it by. */
  label?: string;
  /** For placeholders, by user id. */
  data?: PersonalData | null;
  /** The id of the first message of the bulk that it came in, where that has an Idempotency-Key. */
  bulkOf?: string;
  /** Its audience: the deliveries of an earlier message that have one of the outcomes. */
  resend?: Resend;
}

export interface Resend {
  /** The original's message id. */
  of: string;
  outcomes: OutcomeName[];
}

/** A message to keep: with its batches, or null to have it expanded. */
export interface Acceptable {
  message: NewMessage;
  batches: readonly NewBatch[] | null;
}

export interface Kept {
  /** In the order given. */
  seqs: (number | null)[];
  /** Of all of them, what may be queued now. */
  queued: QueuedBatch[];
}

/** One message of a bulk that was accepted before. */
export interface BulkRow {
  id: string;
  alert: string;
  acceptedAt: Date;
}

/** What a resend takes from its original. */
export type Original = Pick<NewMessage, 'body' | 'notification' | 'target' | 'direct' | 'onUnknown'> & {
  acceptedAt: Date;
  expiresAt: Date;
  /** Null while it still moves. */
  finishedAt: Date | null;
};

/** An earlier message of the same client under the same Idempotency-Key. */
export interface EarlierMessage {
  id: string;
  body: Record<string, unknown>;
  requestHash: Buffer;
}

@Injectable()
export class MessageRepository {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly batches: BatchRepository,
  ) {}

  /**
   * Keeps the messages in one transaction: with their batches where they are given, the others to be expanded, at once or
   * when their time comes. A seq is null where the id or the Idempotency-Key is taken already; `whole`: then none is kept.
   * Throws FPWSE0001E when the original of a resend is not there any more.
   */
  async acceptAll(list: readonly Acceptable[], { whole = false } = {}): Promise<Kept> {
    try {
      return await this.database.kysely.transaction().execute(async (transaction) => {
        for (const { message } of list)
          if (message.resend) await this.keepOriginal(message.applicationId, message.resend.of, transaction);
        const kept = await insertMessages(list, transaction);
        if (whole && kept.size < list.length) throw new NotWhole();
        const seqs = list.map(({ message }) => kept.get(keyOf(message)) ?? null);
        const batches = list.flatMap(({ message, batches }, index) => {
          const seq = seqs[index] ?? null;
          return seq === null ? [] : (batches ?? []).map((batch) => ({ ...message, seq, ...batch }));
        });
        await keepData(list, seqs, transaction);
        return { seqs, queued: await this.batches.insertAll(batches, transaction) };
      });
    } catch (error) {
      if (error instanceof NotWhole) return { seqs: list.map(() => null), queued: [] };
      throw error;
    }
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
        acceptedAt: row.accepted_at,
        expiresAt: row.expires_at,
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

/** One text of parameters whatever their number: a list of values for each row costs more than the insert itself. */
async function insertMessages(
  list: readonly Acceptable[],
  transaction: Transaction<Tables>,
): Promise<Map<string, number>> {
  const { rows } = await sql<{ application_id: string; id: string; seq: number }>`
    insert into message (application_id, id, client_id, body, notification, target, state, direct, on_unknown,
      idempotency_key, request_hash, accepted_at, expires_at, finished_at, audience, open_batches, expand_cursor, resend_of,
      resend_outcomes, send_at, label, bulk_of, totals)
    select application_id, id, client_id, body, notification, target, state, direct, on_unknown, idempotency_key,
      decode(request_hash, 'hex'), accepted_at, expires_at, case when state = 'finished' then accepted_at end, audience,
      open_batches, 0, resend_of, resend_outcomes, send_at, label, bulk_of,
      case when state = 'finished' then array[0, 0, 0, 0, 0, 0, 0, 0] end
    from json_to_recordset(${JSON.stringify(list.map(toRow))}::json) as given (application_id text, id text, client_id text,
      body jsonb, notification jsonb, target jsonb, state text, direct boolean, on_unknown text, idempotency_key text,
      request_hash text, accepted_at timestamptz, expires_at timestamptz, audience integer, open_batches integer,
      resend_of text, resend_outcomes jsonb, send_at timestamptz, label text, bulk_of text)
    on conflict do nothing
    returning application_id, id, seq`.execute(transaction);
  return new Map(rows.map((row) => [keyOf({ applicationId: row.application_id, id: row.id }), row.seq]));
}

function toRow({ message, batches }: Acceptable): Record<string, unknown> {
  const later = message.sendAt instanceof Date;
  return {
    application_id: message.applicationId,
    id: message.id,
    client_id: message.clientId,
    body: message.body,
    notification: message.notification,
    target: message.target,
    state: later ? 'scheduled' : batches === null ? 'accepted' : batches.length === 0 ? 'finished' : 'sending',
    direct: message.direct,
    on_unknown: message.onUnknown,
    idempotency_key: message.idempotency?.key,
    request_hash: message.idempotency?.requestHash.toString('hex'),
    accepted_at: message.acceptedAt,
    expires_at: message.expiresAt,
    audience: batches?.reduce((sum, batch) => sum + batch.deviceSeqs.length, 0) ?? 0,
    open_batches: batches?.length ?? 0,
    resend_of: message.resend?.of,
    resend_outcomes: message.resend?.outcomes.map((name) => OUTCOME[name]),
    send_at: message.sendAt,
    label: message.label,
    bulk_of: message.bulkOf,
  };
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

function keyOf({ applicationId, id }: { applicationId: string; id: string }): string {
  return `${id} ${applicationId}`;
}
