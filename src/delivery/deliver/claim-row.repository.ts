import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { isTryDue } from '../../applications/provider-setting.repository.js';
import type { DeliveryDetails, MessageState } from '../../database/tables.js';
import { wentBackBy } from '../../database/waits.js';
import type { Notification } from '../../providers/notification.js';
import type { ProviderName, Ramp } from '../../providers/provider.js';
import type { LeasedBatch } from '../batch.js';
import { BatchLedger } from '../ledger.js';

/** The columns that a claim reads, for one batch and for a lot. */

/** The columns of a batch that a worker needs. */
export const CLAIMED = sql`
  batch.id, batch.epoch, batch.provider, batch.message_seq, batch.application_id, batch.device_seqs,
  batch.has_slot, batch.outcomes, batch.details, batch.touched_at, batch.direct as urgent, message.id as message_id,
  message.state as message_state, application.receipt_key, message.notification, message.on_unknown, message.traceparent,
  batch.direct and message.audience = batch.size as is_whole,
  coalesce(message.send_at, message.accepted_at) as accepted_at, message.expires_at,
  coalesce(message.paused_at, application.stopped_at) as paused_at,
  (extract(epoch from message.send_at - now()) * 1000)::float8 as early_ms,
  provider_setting.version, provider_setting.paused_reason,
  ${isTryDue} as try_is_due,
  pace.lapses_at > now() as paced, provider_status.last_success_at,
  provider_status.proven_rate, provider_status.proven_at, provider_status.proven_version`;

/**
 * The given batches, or all batches of the table, joined with the rows that decide about them, which are looked up for
 * each batch (executePrepared in database/prepared.ts).
 */
export const joined = (batches: RawBuilder<unknown> = sql`batch`): RawBuilder<unknown> => sql`
  ${batches} as batch
  cross join lateral (select * from message where message.seq = batch.message_seq offset 0) as message
  cross join lateral (
    select * from application where application.id = batch.application_id and removed_at is null offset 0) as application
  ${besides('provider_setting')} ${besides('pace')} ${besides('provider_status')}`;

/** The row of the batch's application and provider, if there is one. */
function besides(table: 'provider_setting' | 'pace' | 'provider_status'): RawBuilder<unknown> {
  const name = sql.table(table);
  return sql`left join lateral (
    select * from ${name} where application_id = batch.application_id and provider = batch.provider offset 0) as ${name}
    on true`;
}

/** The facts about a provider that a claim needs. */
export interface ClaimTerms {
  needsSettings: boolean;
  ramp?: Ramp;
}

export interface ClaimRow {
  has_slot: boolean;
  /** Ms until the message may be sent; null if it may be sent at once. */
  early_ms: number | null;
  /** Null without a row, which means false. */
  paced: boolean | null;
  last_success_at: Date | null;
  proven_rate: number | null;
  proven_at: Date | null;
  proven_version: number | null;
  id: number;
  epoch: number;
  provider: ProviderName;
  message_seq: number;
  application_id: string;
  device_seqs: number[];
  outcomes: Buffer;
  details: DeliveryDetails;
  /** When outcomes and details were last written; null: never since the insert. */
  touched_at: Date | null;
  message_id: string;
  urgent: boolean;
  is_whole: boolean;
  message_state: MessageState;
  notification: Omit<Notification, 'messageId' | 'expiresAt'>;
  on_unknown: 'resend' | 'hold' | null;
  receipt_key: Buffer | null;
  traceparent: string | null;
  accepted_at: Date;
  expires_at: Date;
  paused_at: Date | null;
  version: number | null;
  paused_reason: string | null;
  /** Null without settings or without a pause. */
  try_is_due: boolean | null;
}

/**
 * A repeat to a device replaces the first message on its screen; a repeat to the upstream reaches every phone twice.
 */
function usualOnUnknown(provider: ProviderName): 'resend' | 'hold' {
  return provider === 'upstream' ? 'hold' : 'resend';
}

/** The batch after its ledger has begun. */
export function toLeased(row: ClaimRow, needsSettings: boolean, now: number): LeasedBatch {
  const ledger = new BatchLedger(row.outcomes, row.details);
  const backBy = wentBackBy(row.touched_at, now);
  if (backBy > 0) ledger.moveRetries(-backBy);
  return {
    id: row.id,
    epoch: row.epoch + 1,
    provider: row.provider,
    urgent: row.urgent,
    isWhole: row.is_whole,
    messageSeq: row.message_seq,
    applicationId: row.application_id,
    settingsVersion: needsSettings ? row.version : 0,
    notification: {
      ...row.notification,
      messageId: row.message_id,
      expiresAt: row.expires_at.getTime(),
      urgent: row.urgent,
    },
    terms: {
      now,
      acceptedAt: row.accepted_at.getTime(),
      expiresAt: row.expires_at.getTime(),
      onUnknown: row.on_unknown ?? usualOnUnknown(row.provider),
      cancelled: row.message_state === 'cancelled',
    },
    traceparent: row.traceparent,
    receiptKey: row.receipt_key,
    deviceSeqs: row.device_seqs,
    ledger,
    due: [],
    isProbe: false,
    lastSuccessAt: row.last_success_at?.getTime() ?? null,
  };
}
