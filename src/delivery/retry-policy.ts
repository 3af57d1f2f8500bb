import { MINUTE_MS, SECOND_MS } from '../common/durations.js';
import type { Verdict } from '../providers/provider.js';
import { OUTCOME } from './outcome.js';
import type { OutcomeCode } from './outcome.js';

/** The retry schedule of docs/protocol/providers.md §11, pure: maps a verdict to a decision. */

const BACKOFF_BASE_MS = SECOND_MS;
const BACKOFF_CAP_MS = 5 * MINUTE_MS;
const AMBIGUOUS_BASE_MS = SECOND_MS;
const AMBIGUOUS_CAP_MS = MINUTE_MS;
const AMBIGUOUS_TRIES = 3;
/**
 * A provider's give-up time counts from acceptance. The last batches of a broadcast and a resumed application still get
 * this many attempts.
 */
const TRIES_AT_LEAST = 3;

type Backoff = Extract<Verdict, { action: 'retryBackoff' }>;
type RetryAfter = Extract<Verdict, { action: 'retryAfter' }>;
type Retryable = Backoff | RetryAfter;

export interface Situation {
  /** Times that this delivery has been written, this one included. */
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
  /** The provider's id of the accepted message. */
  receipt?: string;
  /** Epoch ms of the next attempt; absent: none. */
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
      // Says nothing about the single delivery: the batch waits.
      return { outcome: OUTCOME.pending };
    case 'stopApplication':
      // The delivery waits until the application may send again.
      return { outcome: OUTCOME.pending, reason: verdict.reason };
    case 'ambiguous':
      return afterAmbiguous(verdict.reason, situation, verdict.lifeMs);
    case 'retryBackoff':
      return retryIn(backoff(verdict, situation), verdict, situation);
    case 'retryAfter':
      return retryIn(throttle(verdict, situation), verdict, situation);
  }
}

/**
 * The delivery may have arrived, so it is unknown. It is repeated only if the message's policy and the number of
 * attempts allow it.
 */
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

/**
 * The end of the message, or an earlier end on this platform. "Now or never" is a life of 0 and has no delayed retry.
 */
function endOf({ expiresAt, acceptedAt }: Situation, lifeMs = Infinity): number {
  return Math.min(expiresAt, acceptedAt + lifeMs);
}

/** Full jitter, above the provider's documented floor if there is one. */
function backoff({ floorMs, capMs, firstMs }: Backoff, { attempts, random }: Situation): number {
  if (firstMs !== undefined && attempts === 1) return firstMs + random * firstMs;
  const retry = firstMs === undefined ? attempts : attempts - 1;
  return (floorMs ?? 0) + random * growing(floorMs ?? BACKOFF_BASE_MS, capMs ?? BACKOFF_CAP_MS, retry);
}

/** A wait that the provider named stays; a documented wait doubles. Jitter spreads the retries. */
function throttle({ afterMs, capMs = afterMs }: RetryAfter, { attempts, random }: Situation): number {
  return growing(afterMs, capMs, attempts) + random * Math.min(afterMs, MINUTE_MS);
}

function growing(base: number, cap: number, attempts: number): number {
  return Math.min(cap, base * 2 ** Math.min(attempts - 1, 30));
}
