import { describe, expect, it } from 'vitest';
import { daysOf, monthOf, shiftMonth, spanOf } from './calendar-days';

const firing = (time: string) => ({
  campaignId: 'c',
  name: 'n',
  time,
  localTime: '',
  timeZone: 'America/New_York',
  notes: [],
});

describe('the days of a month', () => {
  it('are whole weeks from Monday on', () => {
    const days = daysOf('2027-03', 'Europe/London', []);
    expect(days).toHaveLength(35);
    expect([days[0]?.date, days.at(-1)?.date]).toEqual(['2027-03-01', '2027-04-04']);
    expect(days.filter(({ isInMonth }) => isInMonth)).toHaveLength(31);
    expect(daysOf('2027-05', 'Europe/London', [])[0]?.date).toBe('2027-04-26');
  });

  it('have each firing at its time in the zone', () => {
    const times = ['2027-03-13T14:00:00Z', '2027-03-14T13:00:00Z', '2027-03-28T13:00:00Z'];
    const shown = (zone: string) =>
      daysOf('2027-03', zone, times.map(firing)).flatMap(({ date, firings }) =>
        firings.map(({ clock }) => `${date} ${clock}`),
      );
    expect(shown('Europe/London')).toEqual(['2027-03-13 14:00', '2027-03-14 13:00', '2027-03-28 14:00']);
    expect(shown('Pacific/Auckland')).toEqual(['2027-03-14 03:00', '2027-03-15 02:00', '2027-03-29 02:00']);
    expect(shown('Asia/Kathmandu')[0]).toBe('2027-03-13 19:45');
  });

  it('tell the day on which clocks change', () => {
    const changes = (month: string, zone: string) =>
      daysOf(month, zone, [])
        .filter(({ change }) => change !== 0)
        .map(({ date, change }) => [date, change]);
    expect(changes('2027-03', 'Europe/London')).toEqual([['2027-03-28', 60]]);
    expect(changes('2027-10', 'Europe/Berlin')).toEqual([['2027-10-31', -60]]);
    expect(changes('2027-03', 'America/New_York')).toEqual([['2027-03-14', 60]]);
    expect(changes('2027-04', 'Pacific/Auckland')).toEqual([['2027-04-04', -60]]);
    expect(changes('2027-03', 'UTC')).toEqual([]);
  });

  it('are asked for with a day before and after, in every zone', () => {
    expect(spanOf('2027-03')).toEqual({ from: '2027-02-28T00:00:00.000Z', to: '2027-04-06T00:00:00.000Z' });
  });

  it('go over the turn of the year', () => {
    expect([shiftMonth('2027-12', 1), shiftMonth('2027-01', -1)]).toEqual(['2028-01', '2026-12']);
    expect(monthOf(Date.parse('2027-02-28T23:30:00Z'), 'Europe/Berlin')).toBe('2027-03');
  });
});
