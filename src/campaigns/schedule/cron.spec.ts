import { Cron as Croner } from 'croner';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countTimes, nextTime } from './cron.js';
import { parseCron } from './cron-expression.js';

const utc = (text: string) => Date.parse(`${text}Z`);
const text = (time: number | null) => (time === null ? null : new Date(time).toISOString().slice(0, 19));

/** The dates (in 2026 and 2027) of the next firings. */
function dates(expression: string, after: string, count: number): string[] {
  const cron = parseCron(expression);
  const found: string[] = [];
  for (let at = nextTime(cron, utc(after)); at !== null && found.length < count; at = nextTime(cron, at))
    found.push(text(at)!.slice(0, 10));
  return found;
}

describe('the next time of a cron expression', () => {
  it.each([
    ['0 9 * * MON', '2026-11-25T15:00:00', '2026-11-30T09:00:00'],
    ['*/15 * * * *', '2026-11-25T15:00:00', '2026-11-25T15:15:00'],
    ['30 */10 * * * *', '2026-11-25T15:00:00', '2026-11-25T15:00:30'],
    ['0 0 1 * *', '2026-12-31T23:59:59', '2027-01-01T00:00:00'],
    ['0 0 29 2 *', '2026-01-01T00:00:00', '2028-02-29T00:00:00'],
    // 2100 is no leap year.
    ['0 0 29 2 *', '2096-03-01T00:00:00', '2104-02-29T00:00:00'],
    // If both days are restricted, one of them is enough.
    ['0 0 13 * FRI', '2026-11-25T00:00:00', '2026-11-27T00:00:00'],
    ['0 0 13 * FRI', '2026-11-28T00:00:00', '2026-12-04T00:00:00'],
    ['0 0 L * FRI', '2026-11-28T00:00:00', '2026-11-30T00:00:00'],
    // A field that begins with a star does not restrict the day.
    ['0 0 */2 * MON', '2026-11-25T00:00:00', '2026-12-07T00:00:00'],
    ['0 0 31 2 MON', '2026-11-25T00:00:00', '2027-02-01T00:00:00'],
    ['0 12 * JAN,jun-aug 7', '2026-11-25T00:00:00', '2027-01-03T12:00:00'],
    ['5/20 8 * * ?', '2026-11-25T08:05:00', '2026-11-25T08:25:00'],
    ['0 8 * * FRI-7', '2026-11-25T08:05:00', '2026-11-27T08:00:00'],
    ['0 0 * * 5/1', '2026-11-25T08:05:00', '2026-11-27T00:00:00'],
    ['0 22-2 * * *', '2026-11-25T22:30:00', '2026-11-25T23:00:00'],
    ['0 22-2 * * *', '2026-11-25T23:30:00', '2026-11-26T00:00:00'],
    ['0 22-2 * * *', '2026-11-26T02:00:00', '2026-11-26T22:00:00'],
    // February has five Mondays only in a leap year that begins it with a Monday.
    ['0 0 * 2 MON#5', '2026-11-25T00:00:00', '2044-02-29T00:00:00'],
    ['0 0 * 2 MON#5', '2072-03-01T00:00:00', '2112-02-29T00:00:00'],
  ])('%s after %s is %s', (expression, after, expected) => {
    expect(text(nextTime(parseCron(expression), utc(after)))).toBe(expected);
  });

  it.each([
    // The last day of the month.
    ['0 18 L * *', ['2026-11-30', '2026-12-31', '2027-01-31', '2027-02-28', '2027-03-31']],
    ['0 0 1,L * *', ['2026-11-30', '2026-12-01', '2026-12-31', '2027-01-01']],
    // 31 January 2027 is a Sunday, 28 February 2027 as well.
    ['0 0 LW * *', ['2026-11-30', '2026-12-31', '2027-01-29', '2027-02-26']],
    // 1 May 2027 is a Saturday and moves to Monday; 1 August 2027 is a Sunday.
    ['0 0 1W 5-8 *', ['2027-05-03', '2027-06-01', '2027-07-01', '2027-08-02']],
    // 15 May 2027 is a Saturday, 15 August a Sunday.
    ['0 0 15W 5-8 *', ['2027-05-14', '2027-06-15', '2027-07-15', '2027-08-16']],
    // 31 January 2027 is a Sunday, 31 July a Saturday. Months without the day do not count.
    ['0 0 31W 1-7 *', ['2027-01-29', '2027-03-31', '2027-05-31', '2027-07-30']],
    ['0 0 * * 1#1', ['2026-12-07', '2027-01-04', '2027-02-01']],
    ['0 0 * * MON#1,MON#3', ['2026-12-07', '2026-12-21', '2027-01-04', '2027-01-18']],
    ['0 0 * * 5L', ['2026-11-27', '2026-12-25', '2027-01-29', '2027-02-26']],
    ['@weekly', ['2026-11-29', '2026-12-06']],
    ['0 0 * * SAT-SUN', ['2026-11-28', '2026-11-29', '2026-12-05']],
    ['0 0 * * FRI-MON', ['2026-11-27', '2026-11-28', '2026-11-29', '2026-11-30', '2026-12-04']],
  ])('%s fires on these dates', (expression, expected) => {
    expect(dates(expression, '2026-11-25T00:00:00', expected.length)).toEqual(expected);
  });

  it('is found in the year 9990 and ends with the calendar of JavaScript', () => {
    const cron = parseCron('0 0 29 2 *');
    expect(text(nextTime(cron, utc('9990-01-01T00:00:00')))).toBe('9992-02-29T00:00:00');
    expect(nextTime(cron, 8.64e15 - 1)).toBeNull();
  });
});

describe('the number of times of a cron expression', () => {
  it.each([
    ['0 9 * * MON', 52],
    ['0 0 L * *', 12],
    ['0 0 LW * *', 12],
    ['0 0 1,L * *', 24],
    ['0 0 31W * *', 7],
    ['0 0 * * MON#5', 4],
    ['0 0 * * 5L', 12],
    ['0 22-2 * * *', 5 * 365],
    ['* * * * * *', 365 * 86_400],
  ])('%s in 2027 is %i', (expression, expected) => {
    const cron = parseCron(expression);
    expect(countTimes(cron, utc('2027-01-01T00:00:00'), utc('2027-12-31T23:59:59'), () => false)).toBe(expected);
  });
});

/** Values of one field. The library refuses `5/10`, `3,LW` and ranges that wrap around. */
function field(min: number, max: number, ...special: fc.Arbitrary<string>[]): fc.Arbitrary<string> {
  const value = fc.integer({ min, max });
  return fc.oneof(
    { weight: 2, arbitrary: fc.constant('*') },
    value.map(String),
    fc.integer({ min: 1, max: 7 }).map((step) => `*/${step}`),
    fc.tuple(value, value).map((ends) => ends.toSorted((a, b) => a - b).join('-')),
    fc.uniqueArray(value, { minLength: 1, maxLength: 4 }).map((values) => values.join(',')),
    ...special,
  );
}

describe('croner, an independent library, agrees in UTC', () => {
  const day = field(
    1,
    28,
    fc.constantFrom('L', 'LW', '1,L'),
    fc.integer({ min: 1, max: 28 }).map((date) => `${date}W`),
  );
  const weekday = field(
    0,
    6,
    fc
      .tuple(fc.integer({ min: 0, max: 6 }), fc.constantFrom('#1', '#2', '#4', '#5', 'L'))
      .map((parts) => parts.join('')),
  );
  const expressions = fc
    .tuple(field(0, 59), field(0, 59), field(0, 23), day, field(1, 12), weekday)
    // The library treats a step over all days as a restriction, crontab(5) does not.
    .filter((parts) => !(parts[3].startsWith('*/') || parts[5].startsWith('*/')) || [parts[3], parts[5]].includes('*'))
    .map((parts) => parts.join(' '));
  const moments = fc.integer({ min: utc('2024-01-01T00:00:00'), max: utc('2034-01-01T00:00:00') });

  it('on the next five times of any expression', () => {
    fc.assert(
      fc.property(expressions, moments, (expression, from) => {
        const theirs = new Croner(expression, { timezone: 'UTC', paused: true });
        let at = from;
        for (let round = 0; round < 5; round++) {
          const next = nextTime(parseCron(expression), at);
          expect(text(next), `${expression} after ${text(at)}`).toBe(
            text(theirs.nextRun(new Date(at))?.getTime() ?? null),
          );
          at = next ?? NaN;
        }
      }),
      { numRuns: 500 },
    );
  }, 60_000);
});
