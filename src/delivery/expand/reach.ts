import { DAY_MS } from '../../common/durations.js';

/**
 * The key of a campaign message in a person's list: its time in epoch ms, then three digits that separate messages of
 * the same millisecond. So the list of keys holds number and times without further columns.
 */
export function reachKey(now: number, seq: number): number {
  return Math.floor(now) * 1_000 + (seq % 1_000);
}

/** Smaller keys are more than 24 hours older than `key`. */
export function dayBefore(key: number): number {
  return key - DAY_MS * 1_000;
}
