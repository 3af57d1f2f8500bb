import type { QuietTime, Target } from '../../database/tables.js';
import { RELAY_BATCH, toBatchRecord } from '../../delivery/batching.js';
import type { NewBatch } from '../../delivery/batching.js';
import { OUTCOME } from '../../delivery/outcome.js';
import type { OutcomeName } from '../../delivery/outcome.js';
import type { Notification } from '../../providers/notification.js';
import type { Idempotency } from './idempotency.js';
import type { PersonalData } from '../request/personal-data.js';

/** A message that is to be kept, and the row that it becomes, pure. */

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
  /** When it leaves; absent: at once. */
  sendAt?: Date | null;
  /** The caller's own word for it, to find it by. */
  label?: string;
  /** For placeholders, by user id. */
  data?: PersonalData | null;
  /** The id of the first message of the bulk that it came in, where that has an Idempotency-Key. */
  bulkOf?: string;
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
  /** Whom it reaches is counted under the key (delivery/expand/reach.ts), and passed over above the cap. */
  reach: { key: number; cap: number | null } | null;
}

export interface Resend {
  /** The original's message id. */
  of: string;
  outcomes: OutcomeName[];
}

/** What a resend sends: the original's notification under its collapse id, marked where that is no word of the caller's. */
export function inherit(notification: NewMessage['notification'], originalId: string): NewMessage['notification'] {
  return notification.collapseId === originalId ? { ...notification, collapseInherited: true } : notification;
}

/** A message to keep: with its batches, or null to have it expanded. */
export interface Acceptable {
  message: NewMessage;
  batches: readonly NewBatch[] | null;
}

/** A repeat carries the same id and replaces the first on the screen: after a crash, and of a resend. */
function withCollapseId({ notification, id }: NewMessage): NewMessage['notification'] {
  return notification.collapseId === '' ? { ...notification, collapseId: id } : notification;
}

/** The values of users are kept by user, and go before the message does. */
function withoutData({ data: _data, ...body }: Record<string, unknown>): Record<string, unknown> {
  return body;
}

/** What is relayed is one more batch, due when the message leaves. */
export function batchesOf({ message, batches }: Acceptable): readonly NewBatch[] {
  if (message.notification.relay === undefined || message.resend) return batches ?? [];
  const relay = message.sendAt ? { ...RELAY_BATCH, due: message.sendAt.getTime() } : RELAY_BATCH;
  return [...(batches ?? []), relay];
}

/** Batches that have to be let into their application's window. */
export function hasWaiting(acceptable: Acceptable): boolean {
  return !acceptable.message.direct && batchesOf(acceptable).some(({ due }) => due === undefined);
}

/** It may have to wait for a row of others: a resend for its original's, a relay for its upstream's, a broadcast for the window. */
export function isHeldUp(acceptable: Acceptable): boolean {
  const { resend, notification } = acceptable.message;
  return resend !== undefined || notification.relay !== undefined || hasWaiting(acceptable);
}

/** Expanded later are those whose batches are not given; nothing of the others waits for a time but what they relay. */
function stateOf({ message, batches }: Acceptable, open: number): string {
  if (batches === null) return message.sendAt ? 'scheduled' : 'accepted';
  return open === 0 ? 'finished' : 'sending';
}

/** As insertMessages reads it, in JSON; times in epoch ms, which are half the work of dates for both sides. */
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
    direct: message.direct,
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
    bulk_of: message.bulkOf,
    rate_seq: message.campaign?.rateSeq,
    quiet: message.campaign?.quiet.length ? message.campaign.quiet : undefined,
    reach_key: message.campaign?.reach?.key,
    reach_cap: message.campaign?.reach?.cap,
    batches: batches.map(toBatchRecord),
  };
}
