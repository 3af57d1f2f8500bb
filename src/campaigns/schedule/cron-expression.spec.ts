import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextTime } from './cron.js';
import { parseCron } from './cron-expression.js';

describe('a cron expression that cannot be read is refused with field and reason', () => {
  it.each([
    ['', 'schedule.cron: it must have five fields'],
    ['* * * *', 'it must have five fields'],
    ['* * * * * * *', 'it must have five fields'],
    ['@reboot', "'@reboot' is unknown; the names are @yearly, @annually, @monthly, @weekly, @daily"],
    ['@daily 5', "'@daily 5' is unknown"],
    ['60 * * * *', 'minute: 60 is outside 0 to 59'],
    ['0 24 * * *', 'hour: 24 is outside 0 to 23'],
    ['0 0 0 * *', 'day of month: 0 is outside 1 to 31'],
    ['0 0 1 13 *', 'month: 13 is outside 1 to 12'],
    ['0 0 * * 8', 'day of week: 8 is outside 0 to 7'],
    ['*/90 * * * *', 'minute: a step must be 1 to 60, not 90'],
    ['*/0 * * * *', 'minute: a step must be 1 to 60, not 0'],
    ['1,,2 * * * *', "minute: '' cannot be read"],
    ['-1 * * * *', "minute: '' cannot be read"],
    ['1-2-3 * * * *', "minute: '1-2-3' cannot be read"],
    ['L * * * *', "minute: 'L' cannot be read"],
    ['0 0 1 L *', "month: 'L' cannot be read"],
    ['0 0 L-3 * *', "day of month: 'L' cannot be read"],
    ['0 0 1-15W * *', "day of month: '15W' cannot be read"],
    ['0 0 W * *', "day of month: 'W' cannot be read"],
    ['0 0 32W * *', 'day of month: 32 is outside 1 to 31'],
    ['0 0 0W * *', 'day of month: 0 is outside 1 to 31'],
    ['0 0 * * L', 'day of week: L needs a day of week before it, such as FRIL or 5L'],
    ['0 0 * * 9L', 'day of week: 9 is outside 0 to 7'],
    ['0 0 * * 1#6', "day of week: '1#6' must have a number from 1 to 5 after the #"],
    ['0 0 * * 1#', "day of week: '1#' must have a number from 1 to 5 after the #"],
    ['0 0 * * XYZ#1', "day of week: 'XYZ' cannot be read"],
    ['0 0 * * 1#1-2', "day of week: '1#1' cannot be read"],
    ['0 0 30 2 *', 'it never fires: month 2 has no day 30'],
    ['0 0 30W 2 *', 'it never fires: month 2 has no day 30W'],
    ['0 0 31 4,6,9,11 *', 'it never fires: month 4,6,9,11 has no day 31'],
    ['0 0 */31 * MON#2', 'it never fires: month * has no day */31 that is a day of week MON#2'],
    [`${'0,'.repeat(200)}0 * * * *`, 'it is longer than 255 characters'],
  ])('%s', (expression, reason) => {
    expect(() => parseCron(expression)).toThrow(reason);
  });
});

describe('cron expressions that mean the same', () => {
  it.each([
    ['@yearly', '0 0 1 1 *'],
    ['@annually', '0 0 1 1 *'],
    ['@monthly', '0 0 1 * *'],
    ['@weekly', '0 0 * * 0'],
    ['@daily', '0 0 * * *'],
    ['@Midnight', '0 0 * * *'],
    ['@hourly', '0 * * * *'],
    ['0 0 * * SAT-SUN', '0 0 * * 0,6'],
    ['0 0 * * FRI-MON', '0 0 * * 0,1,5,6'],
    ['0 0 * * 7-2', '0 0 * * 0-2'],
    ['0 0 * * 7', '0 0 * * SUN'],
    ['0 22-2 * * *', '0 0,1,2,22,23 * * *'],
    ['0 22-2/2 * * *', '0 0,2,22 * * *'],
    ['50-10/15 * * * *', '5,50 * * * *'],
    ['0 0 * NOV-FEB *', '0 0 * 1,2,11,12 *'],
    ['0 0 30-2 * *', '0 0 1,2,30,31 * *'],
    ['0 0 l * *', '0 0 L * *'],
    ['0 0 lw * *', '0 0 LW * *'],
    ['0 0 15w * *', '0 0 15W * *'],
    ['0 0 * * fri#2', '0 0 * * 5#2'],
    ['0 0 * * fril', '0 0 * * 5L'],
    ['0 0 * * 7L', '0 0 * * SUNL'],
    ['0 0 ? * ?', '0 0 * * *'],
  ])('%s is %s', (one, other) => {
    expect(parseCron(one)).toEqual(parseCron(other));
  });
});

it('every text of the characters of a cron expression is read or refused, in less than a second', () => {
  const texts = fc.string({ unit: fc.constantFrom(...'0123456789*/-,?LW#@ MONJANTUEFRI'.split('')) });
  fc.assert(
    fc.property(texts, (expression) => {
      const start = performance.now();
      try {
        nextTime(parseCron(expression), Date.UTC(2026));
      } catch (error) {
        expect((error as Error).name).toBe('ScheduleError');
      }
      expect(performance.now() - start).toBeLessThan(1_000);
    }),
  );
});
