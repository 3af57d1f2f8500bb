import type { Verdict } from '../providers/provider.js';
import { OUTCOME } from './outcome.js';
import type { OutcomeCode } from './outcome.js';

/** The schedule of protocol/providers.md §11, pure: a provider's verdict in, what to do out. */

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
/** Nothing is tried longer than this after acceptance, whatever its time to live. */
const GIVE_UP_MS = 24 * HOUR;
const BACKOFF_BASE_MS = SECOND;
const BACKOFF_CAP_MS = 5 * MINUTE;
const AMBIGUOUS_BASE_MS = SECOND;
const AMBIGUOUS_CAP_MS = MINUTE;
const AMBIGUOUS_TRIES = 3;
const DEVICE_THROTTLE_CAP_MS = HOUR;

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
  /** Epoch ms; present: it will be written again then. */
  retryAt?: number;
}

export function decide(verdict: Verdict, situation: Situation): Decision {
  switch (verdict.action) {
    case 'accept':
      return { outcome: OUTCOME.accepted };
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
      return afterAmbiguous(verdict.reason, situation);
    case 'retryBackoff':
      return retryIn(backoff(verdict.floorMs, verdict.capMs, situation), verdict.reason, situation);
    case 'retryAfter':
      return retryIn(throttle(verdict.afterMs, verdict.scope, situation), verdict.reason, situation);
  }
}

/** It may have arrived: unknown in any case, and written again only where the message's policy and the tries allow it. */
export function afterAmbiguous(reason: string, situation: Situation): Decision {
  const held = situation.onUnknown === 'hold' || situation.attempts >= AMBIGUOUS_TRIES;
  const wait = AMBIGUOUS_BASE_MS + situation.random * growing(AMBIGUOUS_BASE_MS, AMBIGUOUS_CAP_MS, situation.attempts);
  const retryAt = situation.now + wait;
  if (held || retryAt >= Math.min(situation.expiresAt, situation.acceptedAt + GIVE_UP_MS))
    return { outcome: OUTCOME.unknown, reason };
  return { outcome: OUTCOME.unknown, reason, retryAt };
}

function retryIn(wait: number, reason: string, situation: Situation): Decision {
  const retryAt = situation.now + wait;
  if (retryAt >= situation.expiresAt) return { outcome: OUTCOME.expired, reason };
  if (retryAt >= situation.acceptedAt + GIVE_UP_MS) return { outcome: OUTCOME.failed, reason };
  return { outcome: OUTCOME.pending, reason, retryAt };
}

/** Full jitter, above the provider's documented floor where there is one. */
function backoff(floorMs: number | undefined, capMs: number | undefined, situation: Situation): number {
  const wait = growing(floorMs ?? BACKOFF_BASE_MS, capMs ?? BACKOFF_CAP_MS, situation.attempts);
  return (floorMs ?? 0) + situation.random * wait;
}

/** The provider's own word, doubled for a device that is throttled again and again; jitter keeps a crowd apart. */
function throttle(afterMs: number, scope: string, situation: Situation): number {
  const wait = scope === 'device' ? growing(afterMs, DEVICE_THROTTLE_CAP_MS, situation.attempts) : afterMs;
  return Math.max(afterMs, wait) + situation.random * Math.min(afterMs, MINUTE);
}

function growing(base: number, cap: number, attempts: number): number {
  return Math.min(cap, base * 2 ** Math.min(attempts - 1, 30));
}
