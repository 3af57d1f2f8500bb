import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { Insertable, Transaction } from 'kysely';
import { ApiError, notFound } from '../common/errors.js';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';
import type { DeliveryDetail, MessageState, QuietTime, Tables, Target } from '../database/tables.js';
import { BatchRepository } from '../delivery/batch.repository.js';
import type { QueuedBatch } from '../delivery/batch.js';
import { RELAY_BATCH } from '../delivery/batching.js';
import type { NewBatch } from '../delivery/batching.js';
import { OUTCOME, OUTCOME_NAMES } from '../delivery/outcome.js';
import type { OutcomeName } from '../delivery/outcome.js';
import type { Idempotency } from './idempotency.js';
import { newMessageId } from './message-id.js';
import type { Notification } from '../providers/notification.js';

export interface NewMessage {
  applicationId: string;
  id: string;
  clientId: string;
  body: Record<string, unknown>;
  notification: Omit<Notification, 'messageId' | 'expiresAt'>;
  target: Target;
  direct: boolean;
  /** Null: the caller did not say. */
  onUnknown: 'resend' | 'hold' | null;
  idempotency: Idempotency | null;
  acceptedAt: Date;
  expiresAt: Date;
  /** Of a campaign's message: how it is held back, and counted. */
  campaign?: CampaignTerms;
  /** Its audience: the deliveries of an earlier message that have one of the outcomes. */
  resend?: Resend;
}

/** What delivery has to know of a campaign's message. */
export interface CampaignTerms {
  /** The row of the rate that it is held to. */
  rateSeq: number | null;
  quiet: QuietTime[];
  /** Whom it reaches is counted under the key (delivery/reach.ts), and passed over above the cap. */
  reach: { key: number; cap: number | null } | null;
}

export interface Resend {
  /** The original's message id. */
  of: string;
  outcomes: OutcomeName[];
}

/** What a resend takes from its original. */
export type Original = Pick<NewMessage, 'body' | 'notification' | 'target' | 'direct' | 'onUnknown'> & {
  acceptedAt: Date;
  expiresAt: Date;
  /** Null while it still moves. */
  finishedAt: Date | null;
};

export interface MessageReport {
  id: string;
  alert: string;
  state: MessageState;
  audience: number;
  outcomes: Record<OutcomeName, number>;
  acceptedAt: Date;
  expiresAt: Date;
  finishedAt: Date | null;
  /** What became of the request to the upstream; null when none of it was relayed. */
  upstream: RelayReport | null;
  resendOf: string | null;
  /** Ids of the messages that repeat some of this one. */
  resends: string[];
}

export interface RelayReport {
  outcome: OutcomeName;
  /** The upstream's id of the message that it accepted. */
  messageId: string | null;
  /** The last trouble, while or because it was not accepted. */
  reason: string | null;
}

/** An earlier message of the same client under the same Idempotency-Key. */
export interface EarlierMessage {
  id: string;
  body: Record<string, unknown>;
  requestHash: Buffer;
}

/** Of one statement: PostgreSQL takes 65,535 parameters. */
const MESSAGES = 500;

@Injectable()
export class MessageRepository {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly batches: BatchRepository,
  ) {}

  /**
   * Keeps the message: with its batches when they are given, else to be expanded; what is relayed of it has its batch from
   * the start. Null when its id or its Idempotency-Key is taken already. Throws FPWSE0001E when the original of a resend
   * is not there any more, FPWSE0025E when the upstream is not.
   */
  accept(
    message: NewMessage,
    expanded: readonly NewBatch[] | null,
  ): Promise<{ seq: number; queued: QueuedBatch[] } | null> {
    return this.database.kysely.transaction().execute(async (transaction) => {
      const relayed = message.notification.relay !== undefined && !message.resend;
      const batches = [...(expanded ?? []), ...(relayed ? [RELAY_BATCH] : [])];
      if (relayed) await this.keepUpstream(message.applicationId, transaction);
      if (message.resend) await this.keepOriginal(message.applicationId, message.resend.of, transaction);
      const row = await transaction
        .insertInto('message')
        .values(toRow(message, batches, expanded !== null))
        .onConflict((conflict) => conflict.doNothing())
        .returning('seq')
        .executeTakeFirst();
      if (!row) return null;
      if (batches.length === 0) return { seq: row.seq, queued: [] };
      const inserted = await this.batches.insert({ ...message, seq: row.seq }, batches, transaction);
      if (message.direct) return { seq: row.seq, queued: inserted };
      const providers = batches.map(({ provider }) => provider);
      return { seq: row.seq, queued: await this.batches.promote(message.applicationId, providers, transaction) };
    });
  }

  /**
   * Keeps messages that are to be expanded, in the transaction of whoever makes them, with their own id as collapse id.
   * Answers their seqs in order; an id that is taken is drawn again.
   */
  async acceptWithin(messages: NewMessage[], transaction: Transaction<Tables>): Promise<number[]> {
    const seqs = new Map<NewMessage, number>();
    for (let left = messages; left.length > 0; left = messages.filter((message) => !seqs.has(message))) {
      const rest = left.slice(0, MESSAGES);
      const rows = await transaction
        .insertInto('message')
        .values(rest.map((message) => toRow({ ...message, notification: withCollapseId(message) }, [], false)))
        .onConflict((conflict) => conflict.doNothing())
        .returning(['seq', 'application_id', 'id'])
        .execute();
      const kept = new Map(rows.map((row) => [`${row.application_id} ${row.id}`, row.seq]));
      for (const message of rest) {
        const seq = kept.get(`${message.applicationId} ${message.id}`);
        if (seq === undefined) message.id = newMessageId();
        else seqs.set(message, seq);
      }
    }
    return messages.map((message) => seqs.get(message) ?? 0);
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

  /** State and counts are read in one statement, so they belong together. */
  async report(applicationId: string, id: string): Promise<MessageReport | undefined> {
    const { rows } = await sql<ReportRow>`
      select message.id, message.body, message.state, message.audience, message.accepted_at, message.expires_at,
        message.finished_at, message.paused_at, message.resend_of, array(
          select resend.id from message resend where resend.application_id = message.application_id
            and resend.resend_of = message.id and resend.state <> 'removed' order by resend.seq) as resends,
        totals.counts, totals.parked, totals.moving, relay.outcome as relay_outcome, relay.detail as relay_detail
      from message left join lateral (
        select get_byte(outcomes, 0) as outcome, details->'0' as detail
        from batch where batch.message_seq = message.seq and batch.provider = 'upstream' limit 1) as relay on true,
      lateral (
        select array[${sql.join(OUTCOME_NAMES.map((_name, code) => sql`coalesce(sum(counts[${sql.lit(code + 1)}]), 0)::int`))}] as counts,
          count(*) filter (where state = 'parked')::int as parked,
          count(*) filter (where state in ('waiting', 'ready', 'leased'))::int as moving
        from batch where batch.message_seq = message.seq) as totals
      where message.application_id = ${applicationId} and message.id = ${id}
        and message.state <> 'removed'`.execute(this.database.kysely);
    const row = rows[0];
    return row && toReport(row);
  }

  /** Whoever removes the upstream's settings waits for whoever holds the row, and then sees the batch. */
  private async keepUpstream(applicationId: string, transaction: Transaction<Tables>): Promise<void> {
    const settings = await transaction
      .selectFrom('provider_setting')
      .select('version')
      .where('application_id', '=', applicationId)
      .where('provider', '=', 'upstream')
      .forKeyShare()
      .executeTakeFirst();
    if (!settings) throw new ApiError('FPWSE0025E', 'The upstream was removed at this moment: send the message again.');
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

/** A repeat carries the same id and replaces the first on the screen: after a crash, and of a resend. */
export function withCollapseId(message: NewMessage): NewMessage['notification'] {
  return message.resend ? message.notification : { ...message.notification, collapseId: message.id };
}

/** `expanded`: these are all its batches. */
function toRow(message: NewMessage, batches: readonly NewBatch[], expanded: boolean): Insertable<Tables['message']> {
  const settled = expanded && batches.length === 0;
  const { resend, campaign, idempotency } = message;
  return {
    application_id: message.applicationId,
    id: message.id,
    client_id: message.clientId,
    body: JSON.stringify(message.body),
    notification: JSON.stringify(message.notification),
    target: JSON.stringify(message.target),
    state: !expanded ? 'accepted' : settled ? 'finished' : 'sending',
    direct: message.direct,
    on_unknown: message.onUnknown,
    idempotency_key: idempotency?.key ?? null,
    request_hash: idempotency?.requestHash ?? null,
    accepted_at: message.acceptedAt,
    expires_at: message.expiresAt,
    finished_at: settled ? message.acceptedAt : null,
    audience: batches.reduce((sum, batch) => sum + batch.deviceSeqs.length, 0),
    open_batches: batches.length,
    expand_cursor: 0,
    expand_max: null,
    resend_of: resend?.of ?? null,
    resend_outcomes: resend ? JSON.stringify(resend.outcomes.map((name) => OUTCOME[name])) : null,
    rate_seq: campaign?.rateSeq ?? null,
    quiet: campaign?.quiet.length ? JSON.stringify(campaign.quiet) : null,
    reach_key: campaign?.reach?.key ?? null,
    reach_cap: campaign?.reach?.cap ?? null,
  };
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
  resend_of: string | null;
  resends: string[];
  counts: number[];
  parked: number;
  moving: number;
  relay_outcome: number | null;
  relay_detail: DeliveryDetail | null;
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
    upstream: toRelayReport(row),
    resendOf: row.resend_of,
    resends: row.resends,
  };
}

function toRelayReport({ relay_outcome: code, relay_detail: detail }: ReportRow): RelayReport | null {
  if (code === null) return null;
  const outcome = OUTCOME_NAMES[code] ?? 'pending';
  const reason = outcome === 'accepted' ? undefined : detail?.reason;
  return { outcome, messageId: detail?.receipt ?? null, reason: reason ?? null };
}
