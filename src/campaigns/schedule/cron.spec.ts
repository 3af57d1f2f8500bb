import { CronExpressionParser } from 'cron-parser';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextTime, parseCron } from './cron.js';

const utc = (text: string) => Date.parse(`${text}Z`);
const text = (time: number | null) => (time === null ? null : new Date(time).toISOString().slice(0, 19));

describe('the next time', () => {
  it.each([
    ['0 9 * * MON', '2026-11-25T15:00:00', '2026-11-30T09:00:00'],
    ['*/15 * * * *', '2026-11-25T15:00:00', '2026-11-25T15:15:00'],
    ['30 */10 * * * *', '2026-11-25T15:00:00', '2026-11-25T15:00:30'],
    ['0 0 1 * *', '2026-12-31T23:59:59', '2027-01-01T00:00:00'],
    ['0 0 29 2 *', '2026-01-01T00:00:00', '2028-02-29T00:00:00'],
    ['0 0 29 2 *', '2096-03-01T00:00:00', '2104-02-29T00:00:00'],
    // Either day will do when both are given.
    ['0 0 13 * FRI', '2026-11-25T00:00:00', '2026-11-27T00:00:00'],
    ['0 0 13 * FRI', '2026-11-28T00:00:00', '2026-12-04T00:00:00'],
    // A step over all days restricts nothing by itself.
    ['0 0 */2 * MON', '2026-11-25T00:00:00', '2026-12-07T00:00:00'],
    ['0 0 31 2 MON', '2026-11-25T00:00:00', '2027-02-01T00:00:00'],
    ['0 12 * JAN,jun-aug 7', '2026-11-25T00:00:00', '2027-01-03T12:00:00'],
    ['5/20 8 * * ?', '2026-11-25T08:05:00', '2026-11-25T08:25:00'],
    ['0 8 * * FRI-7', '2026-11-25T08:05:00', '2026-11-27T08:00:00'],
    ['0 0 * * 5/1', '2026-11-25T08:05:00', '2026-11-27T00:00:00'],
  ])('of %s after %s is %s', (expression, after, expected) => {
    expect(text(nextTime(parseCron(expression), utc(after)))).toBe(expected);
  });
});

describe('what cannot be is refused with the reason', () => {
  it.each([
    ['', 'it must have five fields'],
    ['* * * *', 'it must have five fields'],
    ['* * * * * * *', 'it must have five fields'],
    ['@daily', 'it must have five fields'],
    ['60 * * * *', 'minute: 60 is outside 0 to 59'],
    ['0 24 * * *', 'hour: 24 is outside 0 to 23'],
    ['0 0 0 * *', 'day of month: 0 is outside 1 to 31'],
    ['0 0 1 13 *', 'month: 13 is outside 1 to 12'],
    ['0 0 * * 8', 'day of week: 8 is outside 0 to 7'],
    ['*/90 * * * *', 'minute: a step must be 1 to 60, not 90'],
    ['*/0 * * * *', 'minute: a step must be 1 to 60, not 0'],
    ['0 0 * * FRI-MON', 'day of week: the range FRI-MON runs backwards'],
    ['0 0 L * *', "day of month: 'L' cannot be read"],
    ['0 0 * * MON#1', "day of week: 'MON#1' cannot be read"],
    ['1,,2 * * * *', "minute: '' cannot be read"],
    ['-1 * * * *', "minute: '' cannot be read"],
    ['1-2-3 * * * *', "minute: '1-2-3' cannot be read"],
    ['0 0 30 2 *', 'it never fires: month 2 has no day 30'],
    ['0 0 31 4,6,9,11 *', 'it never fires: month 4,6,9,11 has no day 31'],
    [`${'0,'.repeat(200)}0 * * * *`, 'it is longer than 255 characters'],
  ])('%s', (expression, reason) => {
    expect(() => parseCron(expression)).toThrow(reason);
  });

  it('whatever comes, it is an answer and no crash', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'0123456789*/-,?LW# MONJANTUE'.split('')) }), (expression) => {
        try {
          nextTime(parseCron(expression), Date.UTC(2026));
        } catch (error) {
          expect((error as Error).name).toBe('ScheduleError');
        }
      }),
    );
  });
});

it('agrees with an independent library in UTC', () => {
  const value = (min: number, max: number) =>
    fc.oneof(
      { weight: 2, arbitrary: fc.constant('*') },
      fc.integer({ min, max }).map(String),
      fc.integer({ min: 1, max: 7 }).map((step) => `*/${step}`),
      fc
        .tuple(fc.integer({ min, max }), fc.integer({ min, max }))
        .map((ends) => ends.toSorted((a, b) => a - b).join('-')),
      fc.uniqueArray(fc.integer({ min, max }), { minLength: 1, maxLength: 4 }).map((values) => values.join(',')),
    );
  const expressions = fc
    .tuple(value(0, 59), value(0, 59), value(0, 23), value(1, 28), value(1, 12), value(0, 6))
    // The library takes a step over all days for a restriction; crontab(5) does not.
    .filter(
      ([, , , day, , weekday]) => !(day.startsWith('*/') || weekday.startsWith('*/')) || [day, weekday].includes('*'),
    );
  fc.assert(
    fc.property(
      expressions,
      fc.integer({ min: utc('2024-01-01T00:00:00'), max: utc('2034-01-01T00:00:00') }),
      (parts, from) => {
        const expression = parts.join(' ');
        const theirs = CronExpressionParser.parse(expression, { tz: 'UTC', currentDate: new Date(from) });
        let at = from;
        for (let round = 0; round < 5; round++) {
          const next = nextTime(parseCron(expression), at);
          expect(text(next), `${expression} after ${text(at)}`).toBe(theirs.next().toISOString()?.slice(0, 19));
          at = next ?? NaN;
        }
      },
    ),
    { numRuns: 500 },
  );
}, 60_000);
