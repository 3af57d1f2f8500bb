import { MINUTE_MS } from '../../common/durations.js';
import { countTimes } from './cron.js';
import { isExcluded, nextFiring } from './schedule.js';
import type { Firing, Schedule } from './schedule.js';
import { changesBetween, toLocal } from './time-zone.js';

/**
 * The firings of a span of time, pure and by arithmetic, because a clock that was wrong by decades skips millions of
 * firings.
 */

/** The last firing after one time and not after another (epoch ms); null if there is none. */
export function lastFiring(schedule: Schedule, after: number, until: number): Firing | null {
  for (let backMs = MINUTE_MS; until > after; backMs *= 2) {
    const from = Math.max(after, until - backMs);
    let last: Firing | null = null;
    for (let next = nextFiring(schedule, from); next && next.at <= until; next = nextFiring(schedule, next.at))
      last = next;
    if (last !== null || from === after) return last;
  }
  return null;
}

/** The number of firings from `first` to `last`, both included. */
export function countFirings(schedule: Schedule, first: Firing, last: Firing): number {
  const { source, zone } = schedule;
  if (Array.isArray(source)) {
    const moments = source.filter(
      (each) => each.at >= first.at && each.at <= last.at && !isExcluded(schedule, each.local),
    );
    return new Set(moments.map(({ at }) => at)).size;
  }
  const count = (from: number, to: number): number =>
    countTimes(source, Math.max(from, first.local), Math.min(to, last.local), (day) => isExcluded(schedule, day));
  let firings = count(first.local, last.local);
  // The local times that a change skips fire together, when the change ends.
  for (const { at, offset } of changesBetween(zone, first.at, last.at + 1)) {
    const skipped = count(toLocal(zone, at - 1) + 1, at + offset);
    if (skipped > 1) firings -= skipped - 1;
  }
  return firings;
}
