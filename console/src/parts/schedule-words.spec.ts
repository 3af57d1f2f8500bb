import { describe, expect, it } from 'vitest';
import { cronWords } from './schedule-words';

describe('cronWords', () => {
  it.each([
    ['0 9 * * MON', 'At 09:00, only on Monday'],
    ['0 9 L * *', 'At 09:00, on the last day of the month'],
    ['0 9 * * MON#1', 'At 09:00, on the first Monday of the month'],
    ['0 22-2 * * *', 'Every hour, between 22:00 and 02:00'],
    ['0 9 13 * FRI', 'At 09:00, on day 13 of the month, and on Friday'],
    ['0 9 */2 * MON', 'At 09:00, every 2 days in a month, only on Monday'],
    ['not cron', 'not cron'],
  ])('%s', (expression, words) => {
    expect(cronWords(expression, 'en')).toBe(words);
  });

  it('has German words', () => {
    expect(cronWords('0 9 * * MON', 'de')).toBe('Um 09:00, nur jeden Montag');
  });
});
