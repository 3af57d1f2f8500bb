import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';
import type { MessageState, Target } from '../database/tables.js';
import { BatchRepository } from '../delivery/batch.repository.js';
import type { QueuedBatch } from '../delivery/batch.js';
import type { NewBatch } from '../delivery/batching.js';
import { OUTCOME_NAMES } from '../delivery/outcome.js';
import type { OutcomeName } from '../delivery/outcome.js';
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
  idempotency: { key: string; requestHash: Buffer } | null;
  acceptedAt: Date;
  expiresAt: Date;
}

export interface MessageReport {
  id: string;
  alert: string;
  state: MessageState;
  audience: number;
  outcomes: Record<OutcomeName, number>;
  acceptedAt: Date;
  expiresAt: Date;
  finishedAt: Date | null;
}

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
   * Keeps the message: with its batches when they are given, else to be expanded. Null when its id or its
   * Idempotency-Key is taken already.
   */
  accept(
    message: NewMessage,
    batches: readonly NewBatch[] | null,
  ): Promise<{ seq: number; queued: QueuedBatch[] } | null> {
    return this.database.kysely.transaction().execute(async (transaction) => {
      const audience = batches?.reduce((sum, batch) => sum + batch.deviceSeqs.length, 0) ?? 0;
      const settled = batches?.length === 0;
      const row = await transaction
        .insertInto('message')
        .values({
          application_id: message.applicationId,
          id: message.id,
          client_id: message.clientId,
          body: JSON.stringify(message.body),
          notification: JSON.stringify(message.notification),
          target: JSON.stringify(message.target),
          state: batches === null ? 'accepted' : settled ? 'finished' : 'sending',
          direct: message.direct,
          on_unknown: message.onUnknown,
          idempotency_key: message.idempotency?.key ?? null,
          request_hash: message.idempotency?.requestHash ?? null,
          accepted_at: message.acceptedAt,
          expires_at: message.expiresAt,
          finished_at: settled ? message.acceptedAt : null,
          audience,
          open_batches: batches?.length ?? 0,
          expand_cursor: 0,
          expand_max: null,
        })
        .onConflict((conflict) => conflict.doNothing())
        .returning('seq')
        .executeTakeFirst();
      if (!row) return null;
      if (!batches?.length) return { seq: row.seq, queued: [] };
      return { seq: row.seq, queued: await this.batches.insert({ ...message, seq: row.seq }, batches, transaction) };
    });
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

  /** State and counts are read in one statement, so they belong together. */
  async report(applicationId: string, id: string): Promise<MessageReport | undefined> {
    const { rows } = await sql<ReportRow>`
      select message.id, message.body, message.state, message.audience, message.accepted_at, message.expires_at,
        message.finished_at, message.paused_at, totals.counts, totals.parked, totals.moving
      from message, lateral (
        select array[${sql.join(OUTCOME_NAMES.map((_name, code) => sql`coalesce(sum(counts[${sql.lit(code + 1)}]), 0)::int`))}] as counts,
          count(*) filter (where state = 'parked')::int as parked,
          count(*) filter (where state in ('waiting', 'ready', 'leased'))::int as moving
        from batch where batch.message_seq = message.seq) as totals
      where message.application_id = ${applicationId} and message.id = ${id}`.execute(this.database.kysely);
    const row = rows[0];
    return row && toReport(row);
  }
}

interface ReportRow {
  id: string;
  body: { message: { alert: string } };
  state: MessageState;
  audience: number;
  accepted_at: Date;
  expires_at: Date;
  finished_at: Date | null;
  paused_at: Date | null;
  counts: number[];
  parked: number;
  moving: number;
}

function toReport(row: ReportRow): MessageReport {
  const held = row.state === 'sending' && row.parked > 0 && row.moving === 0;
  const paused = held || (row.paused_at !== null && row.finished_at === null);
  return {
    id: row.id,
    alert: row.body.message.alert,
    state: paused ? 'paused' : row.state,
    audience: row.audience,
    outcomes: Object.fromEntries(OUTCOME_NAMES.map((name, code) => [name, row.counts[code] ?? 0])) as Record<
      OutcomeName,
      number
    >,
    acceptedAt: row.accepted_at,
    expiresAt: row.expires_at,
    finishedAt: row.finished_at,
  };
}
