import type { CalendarFiring } from './read-campaigns';

/** The days of a month in a time zone, pure. Months are `2027-03`, days `2027-03-14`. */

const DAY_MS = 86_400_000;

export interface CalendarDay {
  date: string;
  isInMonth: boolean;
  firings: { firing: CalendarFiring; clock: string }[];
  /** By how many minutes the zone's clocks change on this day: forward is positive. */
  change: number;
}

/** Whole weeks from Monday on, with the firings whose time in the zone is on the day. */
export function daysOf(month: string, zone: string, firings: readonly CalendarFiring[]): CalendarDay[] {
  const placed = firings.map((firing) => ({ firing, ...inZone(Date.parse(firing.time), zone) }));
  return datesOf(month).map((date) => ({
    date,
    isInMonth: date.startsWith(month),
    firings: placed.filter((one) => one.date === date).map(({ firing, clock }) => ({ firing, clock })),
    change: changeOn(date, zone),
  }));
}

/** From before the first day of the shown weeks to after their last, in every zone. */
export function spanOf(month: string): { from: string; to: string } {
  const dates = datesOf(month);
  const at = (date: string | undefined, days: number): string =>
    new Date(Date.parse(`${date}T00:00:00Z`) + days * DAY_MS).toISOString();
  return { from: at(dates[0], -1), to: at(dates.at(-1), 2) };
}

export function shiftMonth(month: string, by: number): string {
  const [year = 0, number = 1] = month.split('-').map(Number);
  return new Date(Date.UTC(year, number - 1 + by)).toISOString().slice(0, 7);
}

export function monthOf(time: number, zone: string): string {
  return inZone(time, zone).date.slice(0, 7);
}

/** Date and wall-clock time of a moment. */
function inZone(time: number, zone: string): { date: string; clock: string } {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  }).formatToParts(time);
  const of = (type: string): string => parts.find((part) => part.type === type)?.value ?? '';
  const seconds = of('second') === '00' ? '' : `:${of('second')}`;
  return { date: `${of('year')}-${of('month')}-${of('day')}`, clock: `${of('hour')}:${of('minute')}${seconds}` };
}

function datesOf(month: string): string[] {
  const first = new Date(`${month}-01T00:00:00Z`);
  const offset = (first.getUTCDay() + 6) % 7;
  const start = first.getTime() - offset * DAY_MS;
  const next = Date.parse(`${shiftMonth(month, 1)}-01T00:00:00Z`);
  const weeks = Math.ceil((next - start) / (7 * DAY_MS));
  return Array.from({ length: weeks * 7 }, (_, day) => new Date(start + day * DAY_MS).toISOString().slice(0, 10));
}

/** Between the noons around the day's night: zones change their clocks at night. */
function changeOn(date: string, zone: string): number {
  const noon = Date.parse(`${date}T12:00:00Z`);
  const offset = (time: number): number => {
    const { date: local, clock } = inZone(time, zone);
    return Math.round((Date.parse(`${local}T${clock.slice(0, 5)}:00Z`) - time) / 60_000);
  };
  return offset(noon) - offset(noon - DAY_MS);
}
