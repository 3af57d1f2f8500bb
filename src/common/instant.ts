import { DAY_MS, MINUTE_MS, SECOND_MS } from './durations.js';
import { invalidValue } from './errors.js';

/**
 * The digits of a date and time, and its offset. `local` is the wall-clock time as a number: `Date.UTC` of the digits.
 */
export interface WrittenTime {
  local: number;
  /** Ms east of UTC; null if none is given. */
  offset: number | null;
  /** True for a date without a time. */
  isDate: boolean;
}

const OFFSET = String.raw`(?<offset>Z|(?<sign>[+-])(?<hours>[01]\d|2[0-3]):?(?<minutes>[0-5]\d))`;
const TIME = String.raw`T\d\d:\d\d(?<seconds>:\d\d(?:\.(?<fraction>\d{1,30}))?)?${OFFSET}?`;
/** RFC 3339 also allows small `t` and `z` (§5.6). */
const WRITTEN = new RegExp(String.raw`^(?<date>\d{4}-\d\d-\d\d)(?:${TIME})?$`, 'i');
const LEAP_SECOND = /T\d\d:\d\d:60/i;
/** The last second of a day in UTC, ms since midnight: a leap second follows it (RFC 3339 §5.7). */
const LAST_SECOND = 86_399_000;

/**
 * Reads ISO 8601 in the form of RFC 3339, from 1970 on; the seconds, the offset or the whole time may be missing. A
 * leap second is read as the moment after it, as in all clocks with 86,400 seconds a day. Returns null for another
 * text, or for a date or time that does not exist.
 */
export function readTime(text: string): WrittenTime | null {
  const { date, offset, sign, hours, minutes, fraction = '', seconds } = WRITTEN.exec(text)?.groups ?? {};
  if (date === undefined) return null;
  const east = (Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * (sign === '-' ? -MINUTE_MS : MINUTE_MS);
  const isDate = text.length === date.length;
  const isLeap = LEAP_SECOND.test(text);
  const time = isDate ? '00:00' : text.slice(11, seconds === undefined ? 16 : 19);
  const digits = `${date}T${isLeap ? `${time.slice(0, 5)}:59` : time}`;
  const whole = Date.parse(`${digits}Z`);
  // Date.parse accepts 24:00, and reads February 30 as March 2.
  if (!(whole >= 0) || !new Date(whole).toISOString().startsWith(digits)) return null;
  if (isLeap && (offset === undefined || (whole - east + DAY_MS) % DAY_MS !== LAST_SECOND)) return null;
  const ms = isLeap ? SECOND_MS : Number(fraction.padEnd(3, '0').slice(0, 3));
  return { local: whole + ms, offset: offset === undefined ? null : east, isDate };
}

/** Epoch ms. PostgreSQL has no year 0 and reads no five-digit year in ISO 8601. */
export const LATEST = Date.UTC(10_000);

/** An ISO 8601 time with an offset, as epoch ms. Throws FPWSE0005E. */
export function readInstant(field: string, text: string): number {
  const { local = NaN, offset = null } = readTime(text) ?? {};
  const at = local - (offset ?? NaN);
  if (!(at >= 0 && at < LATEST)) throw invalidValue(field, 'it must be a time like 2026-12-24T18:00:00Z');
  return at;
}
