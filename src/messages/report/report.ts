import type { DeliveryDetail, MessageState } from '../../database/tables.js';
import { OUTCOME_NAMES } from '../../delivery/outcome.js';
import type { OutcomeName } from '../../delivery/outcome.js';
import type { ProviderName } from '../../providers/provider.js';
import { toCounts } from '../receipts/receipt-kinds.js';
import type { ReceiptCounts } from '../receipts/receipt-kinds.js';
import { waitingFor } from './waiting-for.js';
import type { PartWait, WaitRow, WaitingFor } from './waiting-for.js';

/** The state of a message, from its row and the sums over its batches, pure. */

export type Outcomes = Record<OutcomeName, number>;

export interface MessageReport {
  id: string;
  alert: string;
  label: string | null;
  /** Of a test: the id of its campaign. */
  testOf: string | null;
  approvedBy: string | null;
  state: MessageState;
  audience: number;
  outcomes: Outcomes;
  acceptedAt: Date;
  sendAt: Date | null;
  expiresAt: Date;
  finishedAt: Date | null;
  resendOf: string | null;
  /** The client that sent the message or created its campaign. */
  clientId: string;
  /** The campaign and the run that made the message; null if a client sent it, or if the campaign is gone. */
  campaign: { id: string; runId: number } | null;
}

export interface FullReport extends MessageReport {
  providers: Partial<Record<ProviderName, Outcomes>>;
  /** Times of the first delivery and of the last recorded outcome. */
  firstAt: Date | null;
  lastAt: Date | null;
  /** Deliveries settled per second between `firstAt` and `lastAt`. */
  rate: number | null;
  /** Estimated end at that rate; null unless the message is being sent. */
  endsAt: Date | null;
  /** The cause that holds the message up, or null. */
  waitingFor: WaitingFor | null;
  /** Set if the message or a part is relayed. */
  upstream: RelayReport | null;
  /** Ids of the resends of this message. */
  resends: string[];
  /** Null if no device told anything. */
  receipts: ReceiptCounts | null;
}

/** The outcome of the request to the upstream. */
export interface RelayReport {
  outcome: OutcomeName;
  /** The upstream's id of the message, after the upstream accepted the request. */
  messageId: string | null;
  /** The upstream's last error, or why the upstream was not reached. */
  reason: string | null;
}

export interface RelayRow {
  relay_outcome: number | null;
  relay_detail: DeliveryDetail | null;
}

export interface MessageRow {
  id: string;
  alert: string;
  label: string | null;
  testOf: string | null;
  approvedBy: string | null;
  state: MessageState;
  audience: number;
  accepted_at: Date;
  send_at: Date | null;
  expires_at: Date;
  finished_at: Date | null;
  paused_at: Date | null;
  resend_of: string | null;
  client_id: string;
  campaign_id: string | null;
  run_seq: number | null;
}

/** Sums over the batches of one message. */
export interface Sums {
  /** Index: outcome code. */
  counts: number[];
  /** Number of parked batches, and of those that can proceed. */
  parked: number;
  moving: number;
}

export interface ProviderSums extends Sums, PartWait {
  first_at: Date | null;
  last_at: Date | null;
}

/** `now`: epoch ms. */
export function toReport(row: MessageRow, { counts, parked, moving }: Sums, now: number): MessageReport {
  const held = row.state === 'sending' && parked > 0 && moving === 0;
  const paused = held || (row.paused_at !== null && row.finished_at === null);
  // A message that is relayed as a whole is stored as `sending` before its time, because there is nothing to expand.
  const waits = row.state === 'sending' && row.send_at !== null && row.send_at.getTime() > now;
  return {
    id: row.id,
    alert: row.alert,
    label: row.label,
    testOf: row.testOf,
    approvedBy: row.approvedBy,
    state: paused ? 'paused' : waits ? 'scheduled' : row.state,
    audience: row.audience,
    outcomes: toOutcomes(counts),
    acceptedAt: row.accepted_at,
    sendAt: row.send_at,
    expiresAt: row.expires_at,
    finishedAt: row.finished_at,
    resendOf: row.resend_of,
    clientId: row.client_id,
    campaign: row.campaign_id === null || row.run_seq === null ? null : { id: row.campaign_id, runId: row.run_seq },
  };
}

/** `now`: epoch ms. */
export function toFullReport(
  row: MessageRow & RelayRow & WaitRow & { resends: string[]; receipts: Record<string, number> | null },
  parts: readonly ProviderSums[],
  now: number,
): FullReport {
  const sum = (of: (part: ProviderSums) => number): number => parts.reduce((total, part) => total + of(part), 0);
  const counts = OUTCOME_NAMES.map((_name, code) => sum((part) => part.counts[code] ?? 0));
  const report = toReport(
    row,
    { counts, parked: sum(({ parked }) => parked), moving: sum(({ moving }) => moving) },
    now,
  );
  const times = (of: (part: ProviderSums) => Date | null): number[] =>
    parts.flatMap((part) => of(part)?.getTime() ?? []);
  const firstAt = times(({ first_at: at }) => at).reduce((least, at) => Math.min(least, at), Infinity);
  const lastAt = times(({ last_at: at }) => at).reduce((most, at) => Math.max(most, at), -Infinity);
  const { pending, inFlight } = report.outcomes;
  const left = pending + inFlight;
  const sending = report.state === 'sending' && left > 0;
  const seconds = Math.max(0.001, ((sending ? now : lastAt) - firstAt) / 1_000);
  const settled = report.audience - left;
  const rate = Number.isFinite(firstAt) && settled > 0 ? settled / seconds : null;
  return {
    ...report,
    providers: Object.fromEntries(parts.map((part) => [part.provider, toOutcomes(part.counts)])),
    firstAt: Number.isFinite(firstAt) ? new Date(firstAt) : null,
    lastAt: Number.isFinite(lastAt) ? new Date(lastAt) : null,
    rate,
    endsAt: sending && rate !== null ? new Date(Math.min(now + (left / rate) * 1_000, row.expires_at.getTime())) : null,
    waitingFor: waitingFor(row, parts, now),
    upstream: toRelayReport(row),
    resends: row.resends,
    receipts: toCounts(row.receipts),
  };
}

function toRelayReport({ relay_outcome: code, relay_detail: detail }: RelayRow): RelayReport | null {
  if (code === null) return null;
  const outcome = OUTCOME_NAMES[code] ?? 'pending';
  const reason = outcome === 'accepted' ? undefined : detail?.reason;
  return { outcome, messageId: detail?.receipt ?? null, reason: reason ?? null };
}

function toOutcomes(counts: readonly number[]): Outcomes {
  return Object.fromEntries(OUTCOME_NAMES.map((name, code) => [name, counts[code] ?? 0])) as Outcomes;
}
