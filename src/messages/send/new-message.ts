import type { MessageKind } from '../../common/meters.js';
import type { QuietTime, Target } from '../../database/tables.js';
import { BATCH_SIZE, RELAY_BATCH, toBatchRecord } from '../../delivery/batching.js';
import type { NewBatch } from '../../delivery/batching.js';
import { OUTCOME } from '../../delivery/outcome.js';
import type { OutcomeName } from '../../delivery/outcome.js';
import type { Notification } from '../../providers/notification.js';
import type { Idempotency } from './idempotency.js';
import type { PersonalData } from '../request/personal-data.js';

/** A message to store, and its row, pure. */

export interface NewMessage {
  applicationId: string;
  id: string;
  clientId: string;
  body: Record<string, unknown>;
  notification: Omit<Notification, 'messageId' | 'expiresAt'>;
  target: Target;
  urgent: boolean;
  /** Null: not given. */
  onUnknown: 'resend' | 'hold' | null;
  idempotency: Idempotency | null;
  acceptedAt: Date;
  expiresAt: Date;
  /** When to send; absent: now. */
  sendAt?: Date | null;
  /** The caller's label, to find the message by. */
  label?: string;
  /** The trace that it belongs to (common/tracing.ts). */
  traceparent?: string | null;
  /** Values of placeholders, by user id. */
  data?: PersonalData | null;
  /** The id of the first message of the same bulk, if the bulk has an Idempotency-Key. */
  bulkOf?: string;
  /** For a campaign's message: its run, limits of its deliveries, and its count. */
  campaign?: CampaignTerms;
  /** Nothing is sent before an approval. */
  awaitsApproval?: boolean;
  /** For a test: the id of the campaign. */
  testOf?: string;
  /** For a resend: the audience is the deliveries of an earlier message with one of these outcomes. */
  resend?: Resend;
}

/** Data about a campaign's message for its delivery. */
export interface CampaignTerms {
  campaignSeq: number;
  runSeq: number;
  /** The row with the run's rate limit. */
  rateSeq: number | null;
  quiet: QuietTime[];
  /** Deliveries to a user are counted under `key` (delivery/expand/reach.ts); above `cap` the user is skipped. */
  reach: { key: number; cap: number | null } | null;
}

export interface Resend {
  /** The message id of the original. */
  of: string;
  outcomes: OutcomeName[];
}

/** The notification of a resend: the original's, under its collapse id, marked if the caller did not set that id. */
export function inherit(notification: NewMessage['notification'], originalId: string): NewMessage['notification'] {
  return notification.collapseId === originalId ? { ...notification, collapseInherited: true } : notification;
}

/** A message to store, with its batches, or null if the message is to be expanded. */
export interface Acceptable {
  message: NewMessage;
  batches: readonly NewBatch[] | null;
}

/** Whether the message may go to more devices than one batch has. */
export function isLarge({ message, batches }: Acceptable): boolean {
  if (batches) return batches.reduce((sum, { deviceSeqs }) => sum + deviceSeqs.length, 0) > BATCH_SIZE;
  const { deviceIds, userIds } = message.target;
  return (deviceIds ?? userIds ?? { length: Infinity }).length > BATCH_SIZE;
}

/**
 * A message that is sent twice (after a crash, or by a resend) has the same id, so it replaces the first on the screen.
 */
function withCollapseId({ notification, id }: NewMessage): NewMessage['notification'] {
  return notification.collapseId === '' ? { ...notification, collapseId: id } : notification;
}

/** `data` is stored per user, and deleted before the message. */
function withoutData({ data: _data, ...body }: Record<string, unknown>): Record<string, unknown> {
  return body;
}

/** A relayed part is one more batch, due at the time of sending. */
export function batchesOf({ message, batches }: Acceptable): readonly NewBatch[] {
  if (message.notification.relay === undefined || message.resend) return batches ?? [];
  const relay = message.sendAt ? { ...RELAY_BATCH, due: message.sendAt.getTime() } : RELAY_BATCH;
  return [...(batches ?? []), relay];
}

/** Whether a batch has to be admitted to the application's window. */
export function hasWaiting(acceptable: Acceptable): boolean {
  return !acceptable.message.urgent && batchesOf(acceptable).some(({ due }) => due === undefined);
}

/**
 * Whether the insert may wait for another transaction's row: a resend for the original, a relay for the upstream
 * settings, a broadcast for the window.
 */
export function isHeldUp(acceptable: Acceptable): boolean {
  const { resend, notification } = acceptable.message;
  return resend !== undefined || notification.relay !== undefined || hasWaiting(acceptable);
}

export function kindOf(message: NewMessage): MessageKind {
  if (message.campaign) return 'campaign';
  if (message.testOf !== undefined) return 'test';
  if (message.resend) return 'resend';
  if (message.sendAt) return 'scheduled';
  return message.urgent ? 'direct' : 'broadcast';
}

/** A message without batches is expanded later. A message with batches waits for a time only if it is relayed. */
function stateOf({ message, batches }: Acceptable, open: number): string {
  if (message.awaitsApproval) return 'awaitingApproval';
  if (batches === null) return message.sendAt ? 'scheduled' : 'accepted';
  return open === 0 ? 'finished' : 'sending';
}

/** The row in JSON, as insertMessages reads it; times are epoch ms, which cost half as much as dates on both sides. */
export function toRow(acceptable: Acceptable): Record<string, unknown> {
  const { message } = acceptable;
  const batches = batchesOf(acceptable);
  return {
    application_id: message.applicationId,
    id: message.id,
    client_id: message.clientId,
    body: withoutData(message.body),
    notification: withCollapseId(message),
    target: message.target,
    state: stateOf(acceptable, batches.length),
    direct: message.urgent,
    on_unknown: message.onUnknown,
    idempotency_key: message.idempotency?.key,
    request_hash: message.idempotency?.requestHash.toString('hex'),
    accepted_at: message.acceptedAt.getTime(),
    expires_at: message.expiresAt.getTime(),
    audience: batches.reduce((sum, batch) => sum + batch.deviceSeqs.length, 0),
    open_batches: batches.length,
    resend_of: message.resend?.of,
    resend_outcomes: message.resend?.outcomes.map((name) => OUTCOME[name]),
    send_at: message.sendAt?.getTime(),
    label: message.label,
    test_of: message.testOf,
    traceparent: message.traceparent,
    bulk_of: message.bulkOf,
    campaign_seq: message.campaign?.campaignSeq,
    run_seq: message.campaign?.runSeq,
    rate_seq: message.campaign?.rateSeq,
    quiet: message.campaign?.quiet.length ? message.campaign.quiet : undefined,
    reach_key: message.campaign?.reach?.key,
    reach_cap: message.campaign?.reach?.cap,
    batches: batches.map(toBatchRecord),
  };
}
