import { ScheduleError } from './schedule.error.js';

/**
 * Cron expressions over wall-clock time, pure: minute, hour, day of month, month, day of week, with seconds before them
 * when there are six. `*`, lists, ranges, steps, names of months and days; 0 and 7 are Sunday; `?` is `*`. When both
 * days are restricted, either will do, as crontab(5) has it: a field that begins with `*` restricts nothing of that kind.
 */
export interface Cron {
  /** Of a day, each ascending. */
  seconds: number[];
  minutes: number[];
  hours: number[];
  days: ReadonlySet<number>;
  months: ReadonlySet<number>;
  weekdays: ReadonlySet<number>;
  eitherDay: boolean;
}

interface Field {
  name: string;
  min: number;
  max: number;
  names?: readonly string[];
}

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const WEEKDAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];
const LONGEST_MONTH = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

const SECOND: Field = { name: 'second', min: 0, max: 59 };
const MINUTE: Field = { name: 'minute', min: 0, max: 59 };
const HOUR: Field = { name: 'hour', min: 0, max: 23 };
const DAY: Field = { name: 'day of month', min: 1, max: 31 };
const MONTH: Field = { name: 'month', min: 1, max: 12, names: MONTHS };
const WEEKDAY: Field = { name: 'day of week', min: 0, max: 7, names: WEEKDAYS };

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
/** 29 February stays away for eight years at a time (1896–1904, 2096–2104). */
const HORIZON_MS = 3_000 * DAY_MS;
const MAX_LENGTH = 255;

/** Throws ScheduleError naming the part that is wrong, also when no day of a year has the date. */
export function parseCron(text: string): Cron {
  const fields = text.trim().split(/\s+/);
  if (text.length > MAX_LENGTH) throw wrong(`it is longer than ${MAX_LENGTH} characters`);
  if (fields.length !== 5 && fields.length !== 6)
    throw wrong(`it must have five fields (minute, hour, day of month, month, day of week), or six with seconds first`);
  const [second, minute, hour, day, month, weekday] = fields.length === 5 ? ['0', ...fields] : fields;
  const cron: Cron = {
    seconds: readField(SECOND, second),
    minutes: readField(MINUTE, minute),
    hours: readField(HOUR, hour),
    days: new Set(readField(DAY, day)),
    months: new Set(readField(MONTH, month)),
    weekdays: new Set(readField(WEEKDAY, weekday).map((value) => value % 7)),
    eitherDay: isRestricted(day) && isRestricted(weekday),
  };
  const possible = [...cron.months].some((each) => Math.min(...cron.days) <= (LONGEST_MONTH[each - 1] ?? 0));
  if (!possible && !cron.eitherDay) throw wrong(`it never fires: month ${month} has no day ${day}`);
  return cron;
}

/** The first time of the expression after a wall-clock time; both as `Date.UTC` makes them of the digits. Null: none in eight years. */
export function nextTime(cron: Cron, after: number): number | null {
  const from = (Math.floor(after / SECOND_MS) + 1) * SECOND_MS;
  let day = Math.floor(from / DAY_MS) * DAY_MS;
  let earliest = from - day;
  for (; day <= from + HORIZON_MS; day += DAY_MS, earliest = 0) {
    if (!isDay(cron, new Date(day))) continue;
    const time = nextTimeOfDay(cron, earliest);
    if (time !== null) return day + time;
  }
  return null;
}

/** How many times of the expression lie from one wall-clock time to another, both included; on days that are not left out. */
export function countTimes(cron: Cron, from: number, to: number, isLeftOut: (day: number) => boolean): number {
  const wholeDay = cron.hours.length * cron.minutes.length * cron.seconds.length;
  let count = 0;
  for (let day = Math.floor(from / DAY_MS) * DAY_MS; day <= to; day += DAY_MS) {
    if (!isDay(cron, new Date(day)) || isLeftOut(day)) continue;
    const isWhole = from <= day && to >= day + DAY_MS - SECOND_MS;
    count += isWhole ? wholeDay : countTimesOfDay(cron, from - day, to - day);
  }
  return count;
}

function countTimesOfDay(cron: Cron, from: number, to: number): number {
  let count = 0;
  for (const hour of cron.hours)
    for (const minute of cron.minutes) {
      const start = hour * HOUR_MS + minute * MINUTE_MS;
      if (start + MINUTE_MS <= from || start > to) continue;
      count += cron.seconds.filter((each) => start + each * SECOND_MS >= from && start + each * SECOND_MS <= to).length;
    }
  return count;
}

function isDay(cron: Cron, day: Date): boolean {
  if (!cron.months.has(day.getUTCMonth() + 1)) return false;
  const byDate = cron.days.has(day.getUTCDate());
  const byWeekday = cron.weekdays.has(day.getUTCDay());
  return cron.eitherDay ? byDate || byWeekday : byDate && byWeekday;
}

function nextTimeOfDay(cron: Cron, earliest: number): number | null {
  for (const hour of cron.hours) {
    if ((hour + 1) * HOUR_MS <= earliest) continue;
    for (const minute of cron.minutes) {
      const start = hour * HOUR_MS + minute * MINUTE_MS;
      if (start + MINUTE_MS <= earliest) continue;
      const second = cron.seconds.find((each) => start + each * SECOND_MS >= earliest);
      if (second !== undefined) return start + second * SECOND_MS;
    }
  }
  return null;
}

function isRestricted(text: string | undefined): boolean {
  return !/^[*?]/.test(text ?? '');
}

/** The field's values, ascending. */
function readField(field: Field, text = ''): number[] {
  const values = new Set<number>();
  for (const part of text.split(',')) for (const value of readPart(field, part)) values.add(value);
  return [...values].toSorted((a, b) => a - b);
}

function readPart(field: Field, part: string): number[] {
  const [, range = '', stepText] = /^([^/]*)(?:\/(\d{1,4}))?$/.exec(part) ?? [];
  if (range === '') throw wrong(`${field.name}: '${part}' cannot be read`);
  const { from, to } = readRange(field, range, stepText !== undefined);
  const step = Number(stepText ?? 1);
  if (step === 0 || step > field.max - field.min + 1)
    throw wrong(`${field.name}: a step must be 1 to ${field.max - field.min + 1}, not ${step}`);
  const values: number[] = [];
  for (let value = from; value <= to; value += step) values.push(value);
  return values;
}

/** `5/10` is from 5 on. A week has no second Sunday, so that `*` ends with Saturday. */
function readRange(field: Field, range: string, stepped: boolean): { from: number; to: number } {
  const last = field === WEEKDAY ? 6 : field.max;
  if (range === '*' || range === '?') return { from: field.min, to: last };
  const [first = '', second, ...rest] = range.split('-');
  if (rest.length > 0) throw wrong(`${field.name}: '${range}' cannot be read`);
  const from = readValue(field, first);
  const to = second === undefined ? (stepped ? Math.max(from, last) : from) : readValue(field, second);
  if (from > to) throw wrong(`${field.name}: the range ${range} runs backwards`);
  return { from, to };
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
