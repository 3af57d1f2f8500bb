import { describe, expect, it } from 'vitest';
import { nextFiring, readSchedule } from './schedule.js';
import type { Firing, ScheduleSpec } from './schedule.js';
import { countFirings, lastFiring } from './span.js';

const BERLIN = { timeZone: 'Europe/Berlin' };

/** Lists firings one by one. */
function listFirings(spec: ScheduleSpec, after: number, until: number): Firing[] {
  const schedule = readSchedule(spec);
  const found: Firing[] = [];
  for (let next = nextFiring(schedule, after); next && next.at <= until; next = nextFiring(schedule, next.at))
    found.push(next);
  return found;
}

describe('the firings of a span', () => {
  it.each<[string, ScheduleSpec, string, string]>([
    ['minutes', { cron: '* * * * *' }, '2026-10-20T09:30:00Z', '2026-11-29T09:00:00Z'],
    [
      'minutes over a clock put forward',
      { cron: '* * * * *', ...BERLIN },
      '2026-03-27T00:00:00Z',
      '2026-03-31T00:00:00Z',
    ],
    ['minutes over a clock put back', { cron: '* * * * *', ...BERLIN }, '2026-10-23T00:00:00Z', '2026-10-27T00:00:00Z'],
    ['from within a gap', { cron: '*/7 * * * *', ...BERLIN }, '2026-03-29T00:59:00Z', '2026-03-29T03:00:00Z'],
    ['one in a gap a year', { cron: '30 2 * * *', ...BERLIN }, '2020-01-01T00:00:00Z', '2026-12-01T00:00:00Z'],
    ['seconds', { cron: '*/20 30 8-9 * * *' }, '2026-11-20T08:30:10Z', '2026-11-22T09:30:30Z'],
    ['Mondays and first days', { cron: '0 9 1 * 1' }, '2020-01-01T00:00:00Z', '2026-11-01T00:00:00Z'],
    [
      'with days left out',
      { cron: '0 * * * *', exclude: ['2026-11-21'], ...BERLIN },
      '2026-11-19T05:10:00Z',
      '2026-11-23T00:00:00Z',
    ],
    ['leap days', { cron: '0 0 29 2 *' }, '1970-01-01T00:00:00Z', '2026-11-01T00:00:00Z'],
    [
      'half an hour put forward',
      { cron: '*/10 * * * *', timeZone: 'Australia/Lord_Howe' },
      '2026-10-01T00:00:00Z',
      '2026-10-08T00:00:00Z',
    ],
    [
      'a day that an island skipped',
      { cron: '0 * * * *', timeZone: 'Pacific/Apia' },
      '2011-12-28T00:00:00Z',
      '2012-01-02T00:00:00Z',
    ],
    [
      'moments',
      { at: ['2026-11-20T09:00:00Z', '2026-11-21T09:00:00Z', '2026-11-20T09:00:00Z'] },
      '2026-11-01T00:00:00Z',
      '2026-12-01T00:00:00Z',
    ],
  ])('%s: counted as if one by one, and the last is found from the end', (_what, spec, after, until) => {
    const schedule = readSchedule(spec);
    const firings = listFirings(spec, Date.parse(after), Date.parse(until));
    const last = lastFiring(schedule, Date.parse(after), Date.parse(until));
    expect(last).toEqual(firings.at(-1));
    expect(countFirings(schedule, firings[0]!, last!)).toBe(firings.length);
  });

  it('has no last firing if the span has none', () => {
    const schedule = readSchedule({ cron: '0 9 * * *' });
    expect(lastFiring(schedule, Date.parse('2026-11-20T09:00:00Z'), Date.parse('2026-11-21T08:59:59Z'))).toBeNull();
  });

  it('counts the minutes from 1970 to 2100 without a loop over them', () => {
    const schedule = readSchedule({ cron: '* * * * *', ...BERLIN });
    const first = nextFiring(schedule, 0)!;
    const last = lastFiring(schedule, 0, Date.UTC(2100, 0, 1))!;
    expect(last.at).toBe(Date.UTC(2100, 0, 1));
    expect(countFirings(schedule, first, last)).toBeGreaterThan(68_000_000);
  });
});
