import { SECOND_MS } from '../../common/durations.js';
import { MISSING_S } from '../../database/processes.js';
import type { MessageState, QuietTime } from '../../database/tables.js';
import type { ProviderName } from '../../providers/provider.js';

/** The cause that holds up a message that has not ended, pure. */

export type WaitingFor =
  /** A person paused the message, stopped its application, or has to approve the message. */
  | { kind: 'person'; act: 'approval' | 'messagePaused' | 'applicationStopped'; by: string | null; since: Date }
  /** The time of sending that the caller gave. */
  | { kind: 'time'; until: Date }
  /** No worker runs. */
  | { kind: 'worker'; since: Date }
  /** The provider is paused for the application, until a single delivery is accepted or a person resumes it. */
  | { kind: 'provider'; provider: ProviderName; reason: string; since: Date | null; nextTryAt: Date | null }
  /** The quiet hours of its campaign. */
  | { kind: 'quietHours'; until: Date }
  /** The rate that the provider allows; with `until`, it allows nothing until then. */
  | { kind: 'pace'; provider: ProviderName; perSecond: number; until: Date | null }
  /** The rate of its campaign. */
  | { kind: 'rate'; perSecond: number }
  /** Every open delivery waits for its next try. */
  | { kind: 'retry'; provider: ProviderName; until: Date };

export interface WaitRow {
  /** Urgent messages do not wait for a pace unless the provider named a time. */
  urgent: boolean;
  quiet: QuietTime[] | null;
  expand_at: Date | null;
  accepted_at: Date;
  /** When a worker was last seen; null if none was in the last hour. */
  worker_seen_at: Date | null;
  rate_per_second: number | null;
  stopped_at: Date | null;
  stopped_by: string | null;
}

/** The open batches of a message at one provider, and what limits them. */
export interface PartWait {
  provider: ProviderName;
  parked: number;
  /** Batches that are being sent, or may be sent as soon as it is their turn. */
  busy: number;
  /** Of these, the batches that a worker holds. */
  leased: number;
  /** Batches of which no delivery was tried. */
  untried: number;
  /** The earliest due time in the future. */
  next_due: Date | null;
  paused_reason: string | null;
  paused_since: Date | null;
  next_try_at: Date | null;
  /** Deliveries per second; null without a limit. */
  pace: number | null;
  blocked_until: Date | null;
}

interface Waiter extends WaitRow {
  state: MessageState;
  send_at: Date | null;
  finished_at: Date | null;
  paused_at: Date | null;
}

/**
 * The first that applies, from what only a person ends to what ends by itself; null if nothing holds the message up.
 * `now`: epoch ms.
 */
export function waitingFor(message: Waiter, parts: readonly PartWait[], now: number): WaitingFor | null {
  if (message.finished_at !== null || message.state === 'cancelled') return null;
  return (
    ofPeople(message) ??
    ofTime(message, now) ??
    ofWorkers(message, parts, now) ??
    ofPauses(parts) ??
    ofLimits(message, parts, now) ??
    null
  );
}

function ofPeople(message: Waiter): WaitingFor | null {
  const { state, accepted_at: since, paused_at: paused, stopped_at: stopped, stopped_by: by } = message;
  if (stopped !== null) return { kind: 'person', act: 'applicationStopped', by, since: stopped };
  if (paused !== null) return { kind: 'person', act: 'messagePaused', by: null, since: paused };
  return state === 'awaitingApproval' ? { kind: 'person', act: 'approval', by: null, since } : null;
}

function ofTime({ send_at: until, state }: Waiter, now: number): WaitingFor | null {
  return until !== null && (state === 'scheduled' || until.getTime() > now) ? { kind: 'time', until } : null;
}

/** A worker of a version that writes no row shows by its lease. */
function ofWorkers(message: Waiter, parts: readonly PartWait[], now: number): WaitingFor | null {
  const since = message.worker_seen_at ?? message.accepted_at;
  if (now - since.getTime() < MISSING_S * SECOND_MS || parts.some(({ leased }) => leased > 0)) return null;
  const isToExpand =
    (message.state === 'accepted' || message.state === 'expanding') && (message.expand_at?.getTime() ?? 0) <= now;
  return isToExpand || parts.some(({ busy }) => busy > 0) ? { kind: 'worker', since } : null;
}

function ofPauses(parts: readonly PartWait[]): WaitingFor | null {
  const part = parts.find(({ parked, paused_reason: reason }) => parked > 0 && reason !== null);
  if (!part || part.paused_reason === null) return null;
  const { provider, paused_reason: reason, paused_since: since, next_try_at: nextTryAt } = part;
  return { kind: 'provider', provider, reason, since, nextTryAt };
}

function ofLimits(message: Waiter, parts: readonly PartWait[], now: number): WaitingFor | null {
  const open = parts.filter(({ busy, next_due: due }) => busy > 0 || due !== null);
  const isBusy = open.some(({ busy }) => busy > 0);
  const quiet = message.quiet?.find(([from, to]) => from <= now && now < to);
  if (quiet && !isBusy) return { kind: 'quietHours', until: new Date(quiet[1]) };
  const blocked = open.find(({ blocked_until: until }) => until !== null && until.getTime() > now);
  const paced = blocked ?? (message.urgent ? undefined : open.find(({ pace }) => pace !== null));
  if (paced)
    return {
      kind: 'pace',
      provider: paced.provider,
      perSecond: paced.pace ?? 0,
      until: blocked?.blocked_until ?? null,
    };
  // The rate decides when a delivery is first tried, and no later try.
  const isHeldBack = message.expand_at !== null || open.some(({ untried }) => untried > 0);
  if (message.rate_per_second !== null && isHeldBack) return { kind: 'rate', perSecond: message.rate_per_second };
  const [next] = open.toSorted((a, b) => (a.next_due?.getTime() ?? 0) - (b.next_due?.getTime() ?? 0));
  return next?.next_due && !isBusy ? { kind: 'retry', provider: next.provider, until: next.next_due } : null;
}
