import { DAY_MS } from '../common/durations.js';
import { invalidValue } from '../common/errors.js';
import { readInstant, readTime } from '../common/instant.js';

/** Parameters of the calls that read the audit. */

export const FROM_DATE = {
  name: 'fromDate',
  required: false,
  description: 'Only events since this day (UTC) or time',
};
export const TO_DATE = {
  name: 'toDate',
  required: false,
  description: 'Only events up to the end of this day (UTC), or this time',
};

/** Throws FPWSE0005E. An empty text is as absent. */
export function readText(name: string, value: unknown): string | undefined {
  if (value === undefined || value === '') return undefined;
  if (typeof value !== 'string' || value.includes('\0') || value.length > 300)
    throw invalidValue(name, 'it must be one text of up to 300 characters');
  return value;
}

/** From the begin of `fromDate` to before the end of `toDate`: days of UTC, or times. Throws FPWSE0005E. */
export function readSpan(fromDate: unknown, toDate: unknown): { since?: Date; until?: Date } {
  const [since, until] = [readMoment('fromDate', fromDate), readMoment('toDate', toDate)];
  return { since: since && new Date(since.at), until: until && new Date(until.at + until.lengthMs) };
}

/** A day of UTC, or a moment: one millisecond, because answers have no shorter times. */
function readMoment(name: string, value: unknown): { at: number; lengthMs: number } | undefined {
  const text = readText(name, value);
  if (text === undefined) return undefined;
  const written = readTime(text);
  return written?.isDate ? { at: written.local, lengthMs: DAY_MS } : { at: readInstant(name, text), lengthMs: 1 };
}
