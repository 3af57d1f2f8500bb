import { nextTime } from './cron.js';
import type { Cron, CronDate, CronWeekday } from './cron.js';
import { ScheduleError } from './schedule.error.js';

/**
 * Reads cron expressions, pure: minute, hour, day of month, month and day of week, with seconds first if there are six
 * fields. The dialect is that of crontab(5), with seconds, `L`, `W` and `#` as in Quartz, and ranges that wrap around.
 */

interface Field {
  name: string;
  min: number;
  max: number;
  names?: readonly string[];
}

/** Values of one field, with the parts that depend on the month. */
interface Parts {
  values: Set<number>;
  special: string[];
}

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const WEEKDAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

const SECOND: Field = { name: 'second', min: 0, max: 59 };
const MINUTE: Field = { name: 'minute', min: 0, max: 59 };
const HOUR: Field = { name: 'hour', min: 0, max: 23 };
const DAY: Field = { name: 'day of month', min: 1, max: 31 };
const MONTH: Field = { name: 'month', min: 1, max: 12, names: MONTHS };
/** 0 and 7 are Sunday. */
const WEEKDAY: Field = { name: 'day of week', min: 0, max: 7, names: WEEKDAYS };

/** As in crontab(5). */
const NICKNAMES: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

const MAX_LENGTH = 255;
const DAYS_A_WEEK = 7;
const MOST_WEEKS = 5;
/** Any start of the 400 years in which the calendar repeats. */
const SOME_DAY = Date.UTC(2000, 0);

/** Throws ScheduleError naming the field and the reason, also when the expression never fires. */
export function parseCron(text: string): Cron {
  if (text.length > MAX_LENGTH) throw wrong(`it is longer than ${MAX_LENGTH} characters`);
  const [second, minute, hour, day, month, weekday] = splitFields(text.trim());
  const cron: Cron = {
    seconds: readValues(SECOND, second),
    minutes: readValues(MINUTE, minute),
    hours: readValues(HOUR, hour),
    months: new Set(readValues(MONTH, month)),
    date: readDate(day),
    weekday: readWeekday(weekday),
    eitherDay: isRestricted(day) && isRestricted(weekday),
  };
  if (nextTime(cron, SOME_DAY - 1) !== null) return cron;
  if (!isRestricted(weekday)) throw wrong(`it never fires: month ${month} has no day ${day}`);
  throw wrong(`it never fires: month ${month} has no day ${day} that is a day of week ${weekday}`);
}

type Fields = [second: string, minute: string, hour: string, day: string, month: string, weekday: string];

function splitFields(text: string): Fields {
  const named = text.startsWith('@') ? NICKNAMES[text.toLowerCase()] : text;
  if (named === undefined)
    throw wrong(`'${text.slice(0, 20)}' is unknown; the names are ${Object.keys(NICKNAMES).join(', ')}`);
  const fields = named.split(/\s+/);
  if (fields.length !== 5 && fields.length !== 6)
    throw wrong(
      `it must have five fields (minute, hour, day of month, month, day of week), or six with seconds first, or be a name such as @daily`,
    );
  return (fields.length === 5 ? ['0', ...fields] : fields) as Fields;
}

/** As in crontab(5), a field that begins with a star does not restrict the day, even if it has a step. */
function isRestricted(text: string): boolean {
  return !/^[*?]/.test(text);
}

/** Ascending. */
function readValues(field: Field, text: string): number[] {
  return [...readParts(field, text).values].toSorted((a, b) => a - b);
}

function readDate(text: string): CronDate {
  const { values: days, special } = readParts(DAY, text, /^(?:L|LW|\d+W)$/);
  const nearest = special.filter((part) => !part.startsWith('L')).map((part) => readValue(DAY, part.slice(0, -1)));
  return { days, nearest: new Set(nearest), last: special.includes('L'), lastWeekday: special.includes('LW') };
}

function readWeekday(text: string): CronWeekday {
  const { values, special } = readParts(WEEKDAY, text, /^\w+(?:#\w*|L)$|^L$/);
  const nth: { weekday: number; n: number }[] = [];
  const last = new Set<number>();
  for (const part of special) {
    const [day = '', n] = part.endsWith('L') ? [part.slice(0, -1)] : part.split('#');
    if (day === '') throw wrong(`${WEEKDAY.name}: L needs a day of week before it, such as FRIL or 5L`);
    const weekday = readValue(WEEKDAY, day) % DAYS_A_WEEK;
    if (n === undefined) last.add(weekday);
    else if (/^[1-5]$/.test(n)) nth.push({ weekday, n: Number(n) });
    else throw wrong(`${WEEKDAY.name}: '${part.slice(0, 20)}' must have a number from 1 to ${MOST_WEEKS} after the #`);
  }
  return { every: new Set([...values].map((value) => value % DAYS_A_WEEK)), nth, last };
}

/** Reads the list of a field. Parts of the form `special`, in capital letters, are left to the caller. */
function readParts(field: Field, text: string, special?: RegExp): Parts {
  const parts: Parts = { values: new Set(), special: [] };
  for (const part of text.split(',')) {
    const capital = part.toUpperCase();
    if (special?.test(capital)) parts.special.push(capital);
    else for (const value of readPart(field, part)) parts.values.add(value);
  }
  return parts;
}

function readPart(field: Field, part: string): number[] {
  const [, range = '', stepText] = /^([^/]*)(?:\/(\d{1,4}))?$/.exec(part) ?? [];
  if (range === '') throw wrong(`${field.name}: '${part}' cannot be read`);
  const { from, to } = readRange(field, range, stepText !== undefined);
  const step = Number(stepText ?? 1);
  if (step === 0 || step > field.max - field.min + 1)
    throw wrong(`${field.name}: a step must be 1 to ${field.max - field.min + 1}, not ${step}`);
  const size = sizeOf(field);
  const values: number[] = [];
  // A range that wraps around, such as FRI-MON or 22-2, ends in the next week or on the next day.
  for (let value = from; value <= (from > to ? to + size : to); value += step)
    values.push(value > field.max ? value - size : value);
  return values;
}

/** `5/10` begins at 5 and ends with the field. `*` has Sunday once. */
function readRange(field: Field, range: string, stepped: boolean): { from: number; to: number } {
  const last = field.min + sizeOf(field) - 1;
  if (range === '*' || range === '?') return { from: field.min, to: last };
  const [first = '', second, ...rest] = range.split('-');
  if (rest.length > 0) throw wrong(`${field.name}: '${range}' cannot be read`);
  const from = readValue(field, first);
  if (second !== undefined) return { from, to: readValue(field, second) };
  return { from, to: stepped ? Math.max(from, last) : from };
}

/** Different values of a field. */
function sizeOf(field: Field): number {
  return field === WEEKDAY ? DAYS_A_WEEK : field.max - field.min + 1;
}

function readValue(field: Field, text: string): number {
  const named = field.names?.indexOf(text.toUpperCase()) ?? -1;
  if (named >= 0) return named + (field === MONTH ? 1 : 0);
  if (!/^\d{1,2}$/.test(text)) throw wrong(`${field.name}: '${text.slice(0, 20)}' cannot be read`);
  const value = Number(text);
  if (value < field.min || value > field.max)
    throw wrong(`${field.name}: ${value} is outside ${field.min} to ${field.max}`);
  return value;
}

function wrong(reason: string): ScheduleError {
  return new ScheduleError('schedule.cron', reason);
}
