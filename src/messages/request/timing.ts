import { DAY_MS, MINUTE_MS } from '../../common/durations.js';
import { invalidValue } from '../../common/errors.js';
import { readInstant } from '../../common/instant.js';
import { FOUR_WEEKS_S } from './gcm.dto.js';

/** When a message is sent and when it expires, pure. */

const DEFAULT_TTL_S = FOUR_WEEKS_S;
/** Allows a yearly greeting, and catches a mistyped year. */
const FARTHEST_MS = 366 * DAY_MS;
/** Tolerance for callers' clocks. */
const CLOCK_SLACK_MS = MINUTE_MS;
/** Time to live of a message with `ttl` 0: no provider refuses 0, but our own queue may be a moment behind. */
const NOW_MS = MINUTE_MS;

export interface TimingRequest {
  /** Seconds. */
  ttl?: number;
  expiresAt?: string;
  sendAt?: string;
}

export interface Timing {
  /** Null: now. */
  sendAt: Date | null;
  expiresAt: Date;
  nowOrNever: boolean;
}

/** `now`: epoch ms. Throws FPWSE0005E. */
export function readTiming({ ttl, expiresAt, sendAt }: TimingRequest, now: number): Timing {
  const leavesAt = sendAt === undefined ? now : readInstant('sendAt', sendAt);
  if (leavesAt < now - CLOCK_SLACK_MS) throw invalidValue('sendAt', 'it must be in the future');
  if (leavesAt > now + FARTHEST_MS) throw invalidValue('sendAt', 'it must be within a year');
  const leaves = leavesAt > now ? new Date(leavesAt) : null;
  const from = Math.max(leavesAt, now);
  if (ttl === 0) return { sendAt: leaves, expiresAt: new Date(from + NOW_MS), nowOrNever: true };
  if (expiresAt === undefined)
    return { sendAt: leaves, expiresAt: new Date(from + (ttl ?? DEFAULT_TTL_S) * 1_000), nowOrNever: false };
  if (ttl !== undefined) throw invalidValue('expiresAt', 'only one of ttl and expiresAt can be set');
  const ends = readInstant('expiresAt', expiresAt);
  if (ends <= from) throw invalidValue('expiresAt', 'it must be after the time of sending');
  if (ends > from + FOUR_WEEKS_S * 1_000)
    throw invalidValue('expiresAt', 'it must be at most four weeks after the time of sending');
  return { sendAt: leaves, expiresAt: new Date(ends), nowOrNever: false };
}
