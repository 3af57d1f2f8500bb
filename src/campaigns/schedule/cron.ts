import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../common/durations.js';

/** The times of a cron expression, pure. Times are wall-clock times, as `Date.UTC` makes them of the digits. */

export interface Cron {
  /** Ascending. */
  seconds: readonly number[];
  minutes: readonly number[];
  hours: readonly number[];
  /** 1 is January. */
  months: ReadonlySet<number>;
  date: CronDate;
  weekday: CronWeekday;
  /** Both days are restricted: one of them is enough, as in crontab(5). */
  eitherDay: boolean;
}

export interface CronDate {
  days: ReadonlySet<number>;
  /** `15W`: the weekday (Monday to Friday) of the same month that is nearest to the day. */
  nearest: ReadonlySet<number>;
  /** `L`. */
  last: boolean;
  /** `LW`: the last weekday (Monday to Friday) of the month. */
  lastWeekday: boolean;
}

/** 0 is Sunday. */
export interface CronWeekday {
  every: ReadonlySet<number>;
  /** `MON#2`: the second Monday of the month. */
  nth: readonly { weekday: number; n: number }[];
  /** `5L`: the last Friday of the month. */
  last: ReadonlySet<number>;
}

/** The Gregorian calendar repeats after 400 years, weekdays included. */
const CYCLE_MONTHS = 400 * 12;
const [SUNDAY, SATURDAY] = [0, 6];

/** The first time after a moment; null: the expression never fires. */
export function nextTime(cron: Cron, after: number): number | null {
  const from = (Math.floor(after / SECOND_MS) + 1) * SECOND_MS;
  for (const first of monthsFrom(cron, from, CYCLE_MONTHS))
    for (const day of daysOf(cron, first, from)) {
      const time = nextTimeOfDay(cron, Math.max(0, from - day));
      if (time !== null) return day + time;
    }
  return null;
}

/** The number of times between two moments, both included. Days for which `isLeftOut` returns true do not count. */
export function countTimes(cron: Cron, from: number, to: number, isLeftOut: (day: number) => boolean): number {
  const wholeDay = cron.hours.length * cron.minutes.length * cron.seconds.length;
  let count = 0;
  for (const first of monthsFrom(cron, from, Infinity)) {
    if (first > to) break;
    for (const day of daysOf(cron, first, from)) {
      if (day > to || isLeftOut(day)) continue;
      const isWhole = from <= day && to >= day + DAY_MS - SECOND_MS;
      count += isWhole ? wholeDay : countTimesOfDay(cron, from - day, to - day);
    }
  }
  return count;
}

/** The first days of the months of the expression, starting with the month of a moment, within `months` months. */
function* monthsFrom(cron: Cron, from: number, months: number): Generator<number> {
  const start = new Date(from);
  for (let index = 0; index <= months; index++) {
    const month = start.getUTCMonth() + index;
    if (!cron.months.has((month % 12) + 1)) continue;
    const first = Date.UTC(start.getUTCFullYear(), month);
    // Past the year 275760, the end of JavaScript's calendar.
    if (Number.isNaN(first)) return;
    yield first;
  }
}

/** The days of a month on which the expression fires, ascending, from the day of a moment on. */
function* daysOf({ date, weekday, eitherDay }: Cron, first: number, from: number): Generator<number> {
  const start = new Date(first);
  const length = new Date(Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + 1, 0)).getUTCDate();
  const firstWeekday = start.getUTCDay();
  const dates = datesOf(date, length, firstWeekday);
  for (let day = Math.max(1, Math.floor((from - first) / DAY_MS) + 1); day <= length; day++) {
    const byDate = dates.has(day);
    const byWeekday = isWeekday(weekday, day, length, (firstWeekday + day - 1) % 7);
    if (eitherDay ? byDate || byWeekday : byDate && byWeekday) yield first + (day - 1) * DAY_MS;
  }
}

function datesOf(date: CronDate, length: number, firstWeekday: number): ReadonlySet<number> {
  if (!date.last && !date.lastWeekday && date.nearest.size === 0) return date.days;
  const dates = new Set(date.days);
  if (date.last) dates.add(length);
  // The last day is never the first day, so that Saturday and Sunday move to Friday.
  if (date.lastWeekday) dates.add(nearestWeekday(length, length, firstWeekday));
  for (const day of date.nearest) if (day <= length) dates.add(nearestWeekday(day, length, firstWeekday));
  return dates;
}

/** Saturday moves to Friday and Sunday to Monday, but never into another month. */
function nearestWeekday(day: number, length: number, firstWeekday: number): number {
  const weekday = (firstWeekday + day - 1) % 7;
  if (weekday === SATURDAY) return day === 1 ? day + 2 : day - 1;
  if (weekday === SUNDAY) return day === length ? day - 2 : day + 1;
  return day;
}

function isWeekday({ every, nth, last }: CronWeekday, day: number, length: number, weekday: number): boolean {
  if (every.has(weekday) || (last.has(weekday) && day + 7 > length)) return true;
  return nth.some((each) => each.weekday === weekday && each.n === Math.ceil(day / 7));
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
