import { DAY_MS, MINUTE_MS } from '../../common/durations.js';
import { invalidValue } from '../../common/errors.js';
import { readTime } from '../../common/instant.js';
import { FOUR_WEEKS_S } from './gcm.dto.js';

/** When a message leaves and when nobody wants it any more, pure. */

const DEFAULT_TTL_S = FOUR_WEEKS_S;
/** Far enough for a yearly greeting; a year that is a slip of the pen is found. */
const FARTHEST_MS = 366 * DAY_MS;
/** Callers' clocks differ from ours. */
const CLOCK_SLACK_MS = MINUTE_MS;
/** "Now or never" is refused by no provider, but our own queue may be a moment behind: this is how long now is. */
const NOW_MS = MINUTE_MS;

export interface TimingRequest {
  /** Seconds. */
  ttl?: number;
  expiresAt?: string;
  sendAt?: string;
}

export interface Timing {
  /** Null: at once. */
  sendAt: Date | null;
  expiresAt: Date;
  nowOrNever: boolean;
}

/** `now` is epoch ms. Throws FPWSE0005E. */
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
  if (ends <= from) throw invalidValue('expiresAt', 'it must be after the moment at which the message leaves');
  if (ends > from + FOUR_WEEKS_S * 1_000)
    throw invalidValue('expiresAt', 'it must be at most four weeks after the message leaves');
  return { sendAt: leaves, expiresAt: new Date(ends), nowOrNever: false };
}

/** PostgreSQL has no year 0, and reads none of five digits in ISO 8601. */
export const LATEST = Date.UTC(10_000);

/** An ISO 8601 instant with its offset, epoch ms. Throws FPWSE0005E. */
export function readInstant(field: string, text: string): number {
  const { local = NaN, offset = null } = readTime(text) ?? {};
  const at = local - (offset ?? NaN);
  if (!(at >= 0 && at < LATEST)) throw invalidValue(field, 'it must be an instant like 2026-12-24T18:00:00Z');
  return at;
}
