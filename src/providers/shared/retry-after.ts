import { DAY_MS } from '../../common/durations.js';
import type { Verdict } from '../provider.js';

const SHORTEST_MS = 1_000;
const LONGEST_MS = DAY_MS;

const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');
const TIME = String.raw`(?<hour>\d{2}):(?<minute>\d{2}):(?<second>\d{2})`;
/**
 * The three forms of an HTTP date (RFC 9110 §5.6.7): IMF-fixdate, RFC 850 with a year of two digits, asctime. All are
 * UTC.
 */
const DATES = [
  String.raw`^[A-Z][a-z]{2}, (?<day>\d{2}) (?<month>[A-Z][a-z]{2}) (?<year>\d{4}) ${TIME} GMT$`,
  String.raw`^[A-Z][a-z]{5,8}, (?<day>\d{2})-(?<month>[A-Z][a-z]{2})-(?<year>\d{2}) ${TIME} GMT$`,
  String.raw`^[A-Z][a-z]{2} (?<month>[A-Z][a-z]{2}) (?<day>[ \d]\d) ${TIME} (?<year>\d{4})$`,
].map((form) => new RegExp(form));

/**
 * Reads a Retry-After header (RFC 9110 §10.2.3: whole seconds or an HTTP date) as milliseconds from `now`, limited to 1
 * s to 24 h. Undefined if the header is absent or unreadable.
 */
export function readRetryAfter(value: string | undefined, now: number): number | undefined {
  const text = value?.trim();
  if (!text) return undefined;
  if (/^\d+$/.test(text)) return clampWait(Number(text) * 1_000);
  const date = readHttpDate(text, now);
  return date === undefined ? undefined : clampWait(date - now);
}

/** Epoch ms. Undefined if the text has none of the three forms. */
export function readHttpDate(text: string, now: number): number | undefined {
  const parts = DATES.map((form) => form.exec(text)?.groups).find((groups) => groups !== undefined);
  const month = MONTHS.indexOf(parts?.month ?? '');
  if (parts === undefined || month < 0) return undefined;
  const at = (year: number): number =>
    Date.UTC(year, month, Number(parts.day), Number(parts.hour), Number(parts.minute), Number(parts.second));
  if (parts.year?.length === 4) return at(Number(parts.year));
  // A year of two digits that would be over 50 years ahead is in the past (RFC 9110 §5.6.7).
  const thisYear = new Date(now).getUTCFullYear();
  const year = Math.floor(thisYear / 100) * 100 + Number(parts.year);
  return at(year > thisYear + 50 ? year - 100 : year);
}

/** Wait as long as the answer says (`waitMs`), otherwise from `afterMs` doubling to `capMs`. */
export function slowDown(
  reason: string,
  scope: 'device' | 'application' | 'host',
  waitMs: number | undefined,
  usual: { afterMs: number; capMs: number },
): Extract<Verdict, { action: 'retryAfter' }> {
  return { action: 'retryAfter', reason, scope, ...(waitMs === undefined ? usual : { afterMs: waitMs }) };
}

/** Limits a provider's wait to 1 s to 24 h. */
export function clampWait(ms: number): number {
  return Math.min(LONGEST_MS, Math.max(SHORTEST_MS, ms));
}
