import { MINUTE_MS, SECOND_MS } from '../common/durations.js';
import type { Verdict } from '../providers/provider.js';
import { OUTCOME } from './outcome.js';
import type { OutcomeCode } from './outcome.js';

/** The schedule of docs/protocol/providers.md §11, pure: a provider's verdict in, what to do out. */

const BACKOFF_BASE_MS = SECOND_MS;
const BACKOFF_CAP_MS = 5 * MINUTE_MS;
const AMBIGUOUS_BASE_MS = SECOND_MS;
const AMBIGUOUS_CAP_MS = MINUTE_MS;
const AMBIGUOUS_TRIES = 3;
/** A provider's give-up time counts from acceptance: a broadcast's last batches and a resumed application still get these. */
const TRIES_AT_LEAST = 3;

type Backoff = Extract<Verdict, { action: 'retryBackoff' }>;
type Throttle = Extract<Verdict, { action: 'retryAfter' }>;
type Retryable = Backoff | Throttle;

export interface Situation {
  /** Times this delivery has been written, this one included. */
  attempts: number;
  now: number;
  acceptedAt: number;
  expiresAt: number;
  onUnknown: 'resend' | 'hold';
  /** 0 to 1. */
  random: number;
}

export interface Decision {
  outcome: OutcomeCode;
  reason?: string;
  /** The provider's id of what it accepted. */
  receipt?: string;
  /** Epoch ms; present: it will be written again then. */
  retryAt?: number;
}

export function decide(verdict: Verdict, situation: Situation): Decision {
  switch (verdict.action) {
    case 'accept':
      return { outcome: OUTCOME.accepted, receipt: verdict.receipt };
    case 'acceptDropped':
      return { outcome: OUTCOME.accepted, reason: verdict.reason };
    case 'dropDevice':
      return { outcome: OUTCOME.rejected, reason: verdict.reason };
    case 'fail':
      return { outcome: OUTCOME.failed, reason: verdict.reason };
    case 'notSent':
    case 'held':
      // Nothing to tell of the single device: the batch as a whole waits.
      return { outcome: OUTCOME.pending };
    case 'stopApplication':
      // Nothing is wrong with this delivery: it waits until the application may send again.
      return { outcome: OUTCOME.pending, reason: verdict.reason };
    case 'ambiguous':
      return afterAmbiguous(verdict.reason, situation, verdict.lifeMs);
    case 'retryBackoff':
      return retryIn(backoff(verdict, situation), verdict, situation);
    case 'retryAfter':
      return retryIn(throttle(verdict, situation), verdict, situation);
  }
}

/** It may have arrived: unknown in any case, and written again only where the message's policy and the tries allow it. */
export function afterAmbiguous(reason: string, situation: Situation, lifeMs?: number): Decision {
  const held = situation.onUnknown === 'hold' || situation.attempts >= AMBIGUOUS_TRIES;
  const wait = AMBIGUOUS_BASE_MS + situation.random * growing(AMBIGUOUS_BASE_MS, AMBIGUOUS_CAP_MS, situation.attempts);
  const retryAt = situation.now + wait;
  if (held || retryAt >= endOf(situation, lifeMs)) return { outcome: OUTCOME.unknown, reason };
  return { outcome: OUTCOME.unknown, reason, retryAt };
}

function retryIn(wait: number, { reason, giveUpMs = Infinity, lifeMs }: Retryable, situation: Situation): Decision {
  const retryAt = situation.now + wait;
  if (retryAt >= endOf(situation, lifeMs)) return { outcome: OUTCOME.expired, reason };
  if (retryAt >= situation.acceptedAt + giveUpMs && situation.attempts >= TRIES_AT_LEAST)
    return { outcome: OUTCOME.failed, reason };
  return { outcome: OUTCOME.pending, reason, retryAt };
}

/** The message's end, or a sooner one at this platform: "now or never" is a life of 0 and gets no delayed retry. */
function endOf({ expiresAt, acceptedAt }: Situation, lifeMs = Infinity): number {
  return Math.min(expiresAt, acceptedAt + lifeMs);
}

/** Full jitter, above the provider's documented floor where there is one. */
function backoff({ floorMs, capMs, firstMs }: Backoff, { attempts, random }: Situation): number {
  if (firstMs !== undefined && attempts === 1) return firstMs + random * firstMs;
  const retry = firstMs === undefined ? attempts : attempts - 1;
  return (floorMs ?? 0) + random * growing(floorMs ?? BACKOFF_BASE_MS, capMs ?? BACKOFF_CAP_MS, retry);
}

/** The provider's own word as it is; its documented wait doubles. Jitter keeps a crowd apart. */
function throttle({ afterMs, capMs = afterMs }: Throttle, { attempts, random }: Situation): number {
  return growing(afterMs, capMs, attempts) + random * Math.min(afterMs, MINUTE_MS);
}

function growing(base: number, cap: number, attempts: number): number {
  return Math.min(cap, base * 2 ** Math.min(attempts - 1, 30));
}
