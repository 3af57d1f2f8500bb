import { DAY_MS } from '../../common/durations.js';

/**
 * A key by which a message of a campaign is counted for those it reaches: its moment in epoch ms, and three digits that
 * tell apart what began in the same one. So a row of keys says how often and when without a column for either.
 */
export function reachKey(now: number, seq: number): number {
  return Math.floor(now) * 1_000 + (seq % 1_000);
}

/** Keys below are more than 24 hours older than this one. */
export function dayBefore(key: number): number {
  return key - DAY_MS * 1_000;
}
