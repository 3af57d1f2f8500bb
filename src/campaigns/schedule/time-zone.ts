import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../common/durations.js';
import { canonicalZone } from '../../common/zone-name.js';

/**
 * Local times of IANA time zones, pure. A local time is a number: `Date.UTC` of its digits. Offsets come from Intl; the
 * changes of each zone are searched once per year and cached, so that the rest is arithmetic.
 */

interface Change {
  /** Epoch ms. */
  at: number;
  /** Ms east of UTC from then on. */
  offset: number;
}

interface Year {
  /** At the first such time, UTC. */
  offset: number;
  changes: Change[];
}

/** A local time in a zone: `plain`, skipped by a change (`gap`), or existing twice (`fold`). */
export interface Moment {
  /** Epoch ms. */
  at: number;
  kind: 'plain' | 'gap' | 'fold';
}

/** No zone has two changes within a week; the closest on record are a month apart (Morocco's Ramadan). */
const STEP_MS = 7 * DAY_MS;
/** Offsets range from -12 to +14 hours, and the largest change was a day (Samoa, 2011). */
const REACH_MS = 38 * HOUR_MS;

/** A run takes 26 hours around the world, and its quiet hours are checked for a week. */
const AROUND_MS = 14 * DAY_MS;
const MAX_DAYS = 100;
const distinct = new Map<number, string[]>();

/** By name in lower case, because names are case-insensitive. */
const formats = new Map<string, Intl.DateTimeFormat>();
const years = new Map<string, Year>();
/** About 2 MB. All zones of this year and the next are 900 entries. */
const MAX_YEARS = 10_000;

/** True for an IANA name or alias that Intl knows; an offset such as `+02:00` is not a zone. */
export function isTimeZone(name: string): boolean {
  return canonicalZone(name) !== undefined;
}

/** The local time at a time (epoch ms). Throws RangeError if the zone does not exist. */
export function toLocal(zone: string, at: number): number {
  return at + offsetAt(zone, at);
}

/**
 * The time (epoch ms) of a local time: the first if it exists twice; the end of the gap, which is the next minute that
 * exists, if it does not exist. Never decreases as `local` grows. Throws RangeError if the zone does not exist.
 */
export function toMoment(zone: string, local: number): Moment {
  const changes = changesBetween(zone, local - REACH_MS, local + REACH_MS);
  let [from, offset] = [-Infinity, offsetAt(zone, local - REACH_MS)];
  for (let index = 0; ; index++) {
    const change = changes[index];
    const at = local - offset;
    if (at < from) return { at: from, kind: 'gap' };
    if (change === undefined || at < change.at) {
      const again = change !== undefined && local - change.offset >= change.at;
      return { at, kind: again ? 'fold' : 'plain' };
    }
    [from, offset] = [change.at, change.offset];
  }
}

/** The times in `[from, to)` at which the zone's clocks change. */
export function changesBetween(zone: string, from: number, to: number): Change[] {
  const found: Change[] = [];
  for (let year = yearOf(from); year <= yearOf(to); year++)
    for (const change of readYear(zone, year).changes) if (change.at >= from && change.at < to) found.push(change);
  return found;
}

/** Zones with pairwise different clocks in the days around a time: about 40 of the 420 that Intl lists. */
export function distinctZones(around: number): string[] {
  const day = Math.floor(around / DAY_MS) * DAY_MS;
  const known = distinct.get(day);
  if (known) return known;
  const [from, to] = [day - AROUND_MS, day + AROUND_MS];
  const zones = new Map<string, string>();
  for (const zone of Intl.supportedValuesOf('timeZone')) {
    const changes = changesBetween(zone, from, to).map(({ at, offset }) => `${at} ${offset}`);
    zones.set([offsetAt(zone, from), ...changes].join(), zone);
  }
  // Cleared as a whole: schedules look ahead and do not ask for earlier days again.
  if (distinct.size >= MAX_DAYS) distinct.clear();
  distinct.set(day, [...zones.values()]);
  return [...zones.values()];
}

function offsetAt(zone: string, at: number): number {
  const { offset, changes } = readYear(zone, yearOf(at));
  return changes.findLast((change) => change.at <= at)?.offset ?? offset;
}

function readYear(zone: string, year: number): Year {
  const key = `${zone.toLowerCase()} ${year}`;
  const known = years.get(key);
  if (known) return known;
  const [start, end] = [Date.UTC(year), Date.UTC(year + 1)];
  const read: Year = { offset: askOffset(zone, start), changes: [] };
  let { offset } = read;
  for (let from = start; from < end; from += STEP_MS) {
    const to = Math.min(end, from + STEP_MS) - SECOND_MS;
    const next = askOffset(zone, to);
    if (next !== offset) read.changes.push({ at: findChange(zone, from - SECOND_MS, to), offset: next });
    offset = next;
  }
  if (years.size >= MAX_YEARS) years.clear();
  years.set(key, read);
  return read;
}

/** The first second with the offset of `late`; `early` has another offset. */
function findChange(zone: string, early: number, late: number): number {
  const after = askOffset(zone, late);
  let [low, high] = [early / SECOND_MS, late / SECOND_MS];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (askOffset(zone, middle * SECOND_MS) === after) high = middle;
    else low = middle;
  }
  return high * SECOND_MS;
}

function askOffset(zone: string, at: number): number {
  const format = formatOf(zone);
  if (!format) throw new RangeError(`no such time zone: ${zone}`);
  const name = format.formatToParts(at).find((part) => part.type === 'timeZoneName')?.value ?? '';
  const [, sign, hours, minutes = '0', seconds = '0'] = /^GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(name) ?? [];
  if (hours === undefined) return 0;
  const ms = Number(hours) * HOUR_MS + Number(minutes) * MINUTE_MS + Number(seconds) * SECOND_MS;
  return sign === '-' ? -ms : ms;
}

/** A format costs about 50 µs and 50 KB: one per zone. */
function formatOf(zone: string): Intl.DateTimeFormat | null {
  const key = zone.toLowerCase();
  const known = formats.get(key);
  if (known) return known;
  const format = /^[a-z]/.test(key) ? newFormat(zone) : null;
  // Unknown names are not cached: a caller could send any number of them, while about 600 names exist.
  if (format !== null) formats.set(key, format);
  return format;
}

function newFormat(zone: string): Intl.DateTimeFormat | null {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset', hour: 'numeric' });
  } catch {
    return null;
  }
}

function yearOf(at: number): number {
  return new Date(at).getUTCFullYear();
}
