import fc from 'fast-check';
import { Temporal } from 'temporal-polyfill';
import { describe, expect, it } from 'vitest';
import { checkFires, jitterOf, nextFiring, readSchedule, toText } from './schedule.js';
import type { ScheduleSpec } from './schedule.js';
import { changesBetween, toMoment } from './time-zone.js';

const HOUR = 3_600_000;
const QUARTER = HOUR / 4;
const iso = (at: number | undefined) => (at === undefined ? null : new Date(at).toISOString().replace('.000Z', 'Z'));

function firings(spec: ScheduleSpec, after: string | number, count: number): string[] {
  const schedule = readSchedule(spec);
  const found: string[] = [];
  let at = typeof after === 'number' ? after : Date.parse(after);
  while (found.length < count) {
    const next = nextFiring(schedule, at);
    if (!next) break;
    found.push(`${toText(next.local)} ${iso(next.at)} ${next.kind}`);
    at = next.at;
  }
  return found;
}

describe('daylight saving', () => {
  const berlin = (cron: string) => ({ cron, timeZone: 'Europe/Berlin' });

  it('a local time that does not exist fires at the next minute that exists', () => {
    expect(firings(berlin('30 2 * * *'), '2026-03-28T00:00:00Z', 3)).toEqual([
      '2026-03-28T02:30:00 2026-03-28T01:30:00Z plain',
      '2026-03-29T02:30:00 2026-03-29T01:00:00Z gap',
      '2026-03-30T02:30:00 2026-03-30T00:30:00Z plain',
    ]);
  });
  it('several local times that do not exist, and the time after the gap, are one firing', () => {
    expect(firings(berlin('*/30 2,3 * * *'), '2026-03-29T00:00:00Z', 2)).toEqual([
      '2026-03-29T02:00:00 2026-03-29T01:00:00Z gap',
      '2026-03-29T03:30:00 2026-03-29T01:30:00Z plain',
    ]);
  });
  it('a local time that exists twice fires once, the first time', () => {
    expect(firings(berlin('*/30 2 * * *'), '2026-10-24T22:00:00Z', 3)).toEqual([
      '2026-10-25T02:00:00 2026-10-25T00:00:00Z fold',
      '2026-10-25T02:30:00 2026-10-25T00:30:00Z fold',
      '2026-10-26T02:00:00 2026-10-26T01:00:00Z plain',
    ]);
  });
  it('nextFiring during the second hour of a fold does not return the time again', () => {
    expect(firings(berlin('*/15 * * * *'), '2026-10-25T01:10:00Z', 1)).toEqual([
      '2026-10-25T03:00:00 2026-10-25T02:00:00Z plain',
    ]);
  });
  it('the last day of a month with a change of the clocks fires at its own hour', () => {
    expect(firings(berlin('0 9 L * *'), '2030-02-01T00:00:00Z', 3)).toEqual([
      '2030-02-28T09:00:00 2030-02-28T08:00:00Z plain',
      '2030-03-31T09:00:00 2030-03-31T07:00:00Z plain',
      '2030-04-30T09:00:00 2030-04-30T07:00:00Z plain',
    ]);
  });
  it('nine in the morning stays nine in the morning across a change', () => {
    const all = firings(berlin('0 9 * * *'), '2026-01-01T12:00:00Z', 365);
    expect(all.every((each) => each.includes('T09:00:00 '))).toBe(true);
    expect(all.filter((each) => each.includes('T07:00:00Z'))).toHaveLength(210);
    expect(all.filter((each) => each.includes('T08:00:00Z'))).toHaveLength(155);
  });
});

describe('other schedules', () => {
  it('one time or several, with an offset or local', () => {
    const at = ['2026-12-24T18:00:00', '2026-12-01T09:00:00-05:00', '2026-12-24T17:00:00Z', '2027-03-28T02:30'];
    expect(firings({ at, timeZone: 'Europe/Berlin' }, '2026-01-01T00:00:00Z', 9)).toEqual([
      '2026-12-01T15:00:00 2026-12-01T14:00:00Z plain',
      '2026-12-24T18:00:00 2026-12-24T17:00:00Z plain',
      '2027-03-28T02:30:00 2027-03-28T01:00:00Z gap',
    ]);
  });
  it('T and Z may be lower case (RFC 3339 §5.6)', () => {
    const at = ['2026-12-24t17:00:00z', '2026-12-25t09:00'];
    expect(firings({ at, timeZone: 'Europe/Berlin' }, '2026-01-01T00:00:00Z', 9)).toEqual([
      '2026-12-24T18:00:00 2026-12-24T17:00:00Z plain',
      '2026-12-25T09:00:00 2026-12-25T08:00:00Z plain',
    ]);
  });
  it("start and end as dates include whole days in the schedule's time zone", () => {
    const spec = { cron: '0 0,12,23 * * *', timeZone: 'America/New_York', start: '2026-11-30', end: '2026-12-01' };
    expect(firings(spec, '2026-01-01T00:00:00Z', 9).map((each) => each.slice(0, 16))).toEqual([
      '2026-11-30T00:00',
      '2026-11-30T12:00',
      '2026-11-30T23:00',
      '2026-12-01T00:00',
      '2026-12-01T12:00',
      '2026-12-01T23:00',
    ]);
    expect(firings({ ...spec, start: '2026-12-01' }, '2026-01-01T00:00:00Z', 9)).toHaveLength(3);
    const recipient = { cron: '59 23 * * *', timeZone: 'recipient', end: '2026-12-01' };
    expect(firings(recipient, '2026-11-30T20:00:00Z', 9).map((each) => each.slice(0, 16))).toEqual([
      '2026-12-01T23:59',
    ]);
    // Clocks go back at midnight there, so the day has 25 hours.
    const long = { cron: '30 23 * * *', timeZone: 'America/Havana', end: '2026-10-31' };
    expect(firings(long, '2026-10-31T12:00:00Z', 9)).toHaveLength(1);
  });
  it('start, end and excluded dates limit the firings', () => {
    const spec = {
      cron: '0 9 * * *',
      timeZone: 'America/New_York',
      start: '2026-12-23T09:00',
      end: '2026-12-27T14:00:00Z',
      exclude: ['2026-12-25'],
    };
    expect(firings(spec, '2026-01-01T00:00:00Z', 9).map((each) => each.slice(0, 10))).toEqual([
      '2026-12-23',
      '2026-12-24',
      '2026-12-26',
      '2026-12-27',
    ]);
  });
  it('a thousand excluded dates take milliseconds, however fine the expression', () => {
    const exclude = Array.from({ length: 1_000 }, (_, day) => iso(Date.UTC(2026, 0, 1 + day))?.slice(0, 10) ?? '');
    const started = performance.now();
    expect(firings({ cron: '* * * * * *', exclude }, '2026-01-01T00:00:00Z', 1)).toEqual([
      '2028-09-27T00:00:00 2028-09-27T00:00:00Z plain',
    ]);
    // Measured 10 ms; second by second the search would take 86 million steps.
    expect(performance.now() - started).toBeLessThan(1_000);
  });
  it('a time keeps its milliseconds, with and without an offset', () => {
    const at = (text: string) => nextFiring(readSchedule({ at: [text], timeZone: 'Europe/Berlin' }), 0)?.at;
    expect(at('2026-12-24T18:00:00.57Z')).toBe(Date.parse('2026-12-24T18:00:00.570Z'));
    expect(at('2026-12-24T18:00:00.1239999+01:00')).toBe(Date.parse('2026-12-24T17:00:00.123Z'));
    expect(at('2026-12-24T18:00:00.5')).toBe(Date.parse('2026-12-24T17:00:00.500Z'));
  });
  it('jitter is equal in every process and within its bounds', () => {
    const schedule = readSchedule({ cron: '* * * * *', jitterSeconds: 60 });
    const all = Array.from({ length: 1_000 }, (_, index) => jitterOf(schedule, 'campaign', index * 60_000));
    expect(Math.min(...all)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...all)).toBeLessThanOrEqual(60_000);
    expect(new Set(all).size).toBeGreaterThan(900);
    expect(jitterOf(schedule, 'campaign', 60_000)).toBe(all[1]);
    expect(jitterOf(readSchedule({ cron: '* * * * *' }), 'campaign', 60_000)).toBe(0);
  });
  it('thousands of next firings take milliseconds', () => {
    const schedules = Array.from({ length: 1_000 }, (_, index) =>
      readSchedule({ cron: `${index % 60} ${index % 24} * * MON`, timeZone: 'Europe/Berlin' }),
    );
    const started = performance.now();
    for (const schedule of schedules) nextFiring(schedule, Date.UTC(2026, 5));
    // Measured 15 ms for a thousand; the bound leaves room for a busy machine.
    expect(performance.now() - started).toBeLessThan(500);
  });
});

describe('an invalid schedule is refused with field and reason', () => {
  const now = Date.UTC(2026, 10, 25);
  it.each<[ScheduleSpec, string]>([
    [{}, 'schedule: exactly one of cron and at is required'],
    [{ cron: '* * * * *', at: ['2027-01-01T00:00'] }, 'schedule: exactly one of cron and at is required'],
    [{ cron: '0 0 30 2 *' }, 'schedule.cron: it never fires: month 2 has no day 30'],
    [{ cron: '* * * * *', timeZone: 'Mars/Base' }, 'schedule.timeZone: it must be an IANA time zone'],
    [{ cron: '* * * * *', timeZone: '+01:00' }, 'schedule.timeZone: it must be an IANA time zone'],
    [
      { cron: '* * * * *', defaultTimeZone: 'UTC' },
      'schedule.defaultTimeZone: it applies to schedules in the recipients’ time',
    ],
    [{ at: [] }, 'schedule.at: it must have 1 to 1000 moments'],
    [{ at: ['tomorrow'] }, 'schedule.at: it must be a date and time'],
    [{ at: ['2026-02-30T00:00'] }, 'schedule.at: it must be a date and time'],
    [{ at: ['2026-13-01T00:00:00Z'] }, 'schedule.at: it must be a date and time'],
    [{ at: ['2027-02-30T09:00:00Z'] }, 'schedule.at: it must be a date and time'],
    [{ at: ['2027-02-28T09:00:00+25:00'] }, 'schedule.at: it must be a date and time'],
    [{ at: ['+010000-01-01T00:00:00Z'] }, 'schedule.at: it must be a date and time'],
    [{ at: ['-271821-04-20T00:00:00Z'] }, 'schedule.at: it must be a date and time'],
    [{ at: ['9999-12-31T23:59:59Z'] }, 'schedule.at: it must not be after 9999-12-28'],
    [{ at: ['9999-12-31T23:59'], timeZone: 'recipient' }, 'schedule.at: it must not be after 9999-12-28'],
    [{ cron: '* * * * *', end: '9999-12-31T23:59:59-14:00' }, 'schedule.end: it must not be after 9999-12-28'],
    [{ cron: '0 0 29 12 *', start: '9999-01-01T00:00Z' }, 'schedule: it has no firing between start and end'],
    [
      { at: ['2027-01-01T00:00Z'], timeZone: 'recipient' },
      'schedule.at: in the recipients’ time it must be without an offset',
    ],
    [{ at: ['2026-11-24T00:00'] }, 'schedule.at: every time has passed'],
    [
      { cron: '* * * * *', start: '2027-02-01T00:00', end: '2027-01-01T00:00' },
      'schedule.end: it must not be before the start',
    ],
    [{ cron: '* * * * *', end: '2026-11-24T00:00' }, 'schedule.end: it has passed'],
    [{ cron: '0 9 1 1 *', end: '2026-12-31T00:00' }, 'schedule: it has no firing between start and end'],
    [
      { cron: '0 9 1 1 *', end: '2027-01-31T00:00', exclude: ['2027-01-01'] },
      'schedule.exclude: it excludes every firing',
    ],
    [{ cron: '* * * * *', exclude: ['25.12.2026'] }, 'schedule.exclude: each must be a date'],
    [{ cron: '* * * * *', exclude: ['2026-02-30'] }, 'schedule.exclude: each must be a date that exists'],
    [{ cron: '* * * * *', end: '2026-02-30' }, 'schedule.end: it must be a date and time'],
    [{ cron: '* * * * *', start: '2026-12-02', end: '2026-12-01' }, 'schedule.end: it must not be before the start'],
    [{ cron: '* * * * *', jitterSeconds: 4_000 }, 'schedule.jitterSeconds: it must be 0 to 3600'],
    [{ cron: '* * * * *', jitterSeconds: 0.5 }, 'schedule.jitterSeconds: it must be 0 to 3600'],
  ])('%j', (spec, reason) => {
    expect(() => checkFires(readSchedule(spec), now)).toThrow(reason);
  });
});

describe('against an independent library', () => {
  it('fires every quarter of an hour around every change of every zone in ten years', () => {
    let changes = 0;
    for (const zone of Intl.supportedValuesOf('timeZone')) {
      const schedule = readSchedule({ cron: '*/15 * * * *', timeZone: zone });
      for (const { at } of changesBetween(zone, Date.UTC(2022), Date.UTC(2032))) {
        changes++;
        const [from, to] = [at - 3 * HOUR, at + 3 * HOUR];
        const mine: number[] = [];
        for (let next = nextFiring(schedule, from); next && next.at <= to; next = nextFiring(schedule, next.at))
          mine.push(next.at);
        expect(mine.map(iso), `${zone} ${iso(at)}`).toEqual(quartersByTemporal(zone, from, to).map(iso));
      }
    }
    expect(changes).toBeGreaterThan(2_000);
  }, 240_000);
});

describe('always', () => {
  const zones = fc.constantFrom(
    'UTC',
    'Europe/Berlin',
    'America/New_York',
    'Australia/Lord_Howe',
    'Africa/Casablanca',
    'America/St_Johns',
    'Asia/Kathmandu',
    'Antarctica/Troll',
    'Pacific/Chatham',
    'America/Santiago',
    'Asia/Beirut',
    'Pacific/Kiritimati',
  );
  const minutes = fc.oneof(
    fc.constant('*'),
    fc.integer({ min: 0, max: 59 }).map(String),
    fc.constantFrom('*/7', '0,30', '59'),
  );
  const hours = fc.oneof(
    fc.constant('*'),
    fc.integer({ min: 0, max: 4 }).map(String),
    fc.constantFrom('1-3', '*/2', '23'),
  );
  const moments = fc.integer({ min: Date.UTC(2024), max: Date.UTC(2033) });
  /** Half of the cases are near a change, where errors are likely. */
  const places = fc
    .tuple(zones, moments, fc.boolean(), fc.integer({ min: -30 * HOUR, max: 6 * HOUR }))
    .map(([zone, moment, near, by]) => {
      const change = changesBetween(zone, moment, moment + 400 * 24 * HOUR)[0];
      return { zone, after: near && change ? change.at + by : moment };
    });

  it('the next firing is later, never repeated, and none lies in between', () => {
    fc.assert(
      fc.property(places, minutes, hours, ({ zone, after }, minute, hour) => {
        const schedule = readSchedule({ cron: `${minute} ${hour} * * *`, timeZone: zone });
        const next = nextFiring(schedule, after)!;
        expect(next.at).toBeGreaterThan(after);
        expect(toMoment(zone, next.local).at).toBe(next.at);
        // From every time in between the result is the same firing: no gap, and monotone.
        for (const share of [0.25, 0.5, 0.99]) {
          const between = Math.floor(after + share * (next.at - after - 1));
          expect(nextFiring(schedule, between)).toEqual(next);
        }
        const following = nextFiring(schedule, next.at)!;
        expect(following.at).toBeGreaterThan(next.at);
        expect(following.local).toBeGreaterThan(next.local);
      }),
      { numRuns: 2_000 },
    );
  }, 120_000);

  it('each local time of the expression fires at its time', () => {
    fc.assert(
      fc.property(places, ({ zone, after }) => {
        const schedule = readSchedule({ cron: '*/15 * * * *', timeZone: zone });
        const until = after + 4 * HOUR;
        const fired = new Set<number>();
        for (let next = nextFiring(schedule, after); next && next.at <= until; next = nextFiring(schedule, next.at))
          fired.add(next.at);
        const first = Math.ceil((after - 15 * HOUR) / QUARTER) * QUARTER;
        for (let local = first; local < until + 15 * HOUR; local += QUARTER) {
          const { at } = toMoment(zone, local);
          if (at > after && at <= until)
            expect(fired.delete(at) || at === toMoment(zone, local - QUARTER).at).toBe(true);
        }
        expect(fired.size).toBe(0);
      }),
      { numRuns: 300 },
    );
  }, 120_000);
});

/**
 * By the documented behaviour: every quarter of an hour of the wall clock, once, at its first time or at the end of the
 * gap.
 */
function quartersByTemporal(zone: string, from: number, to: number): number[] {
  const found = new Set<number>();
  const clock = (at: number) => Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone).toPlainDateTime();
  const [first, last] = [
    clock(from).round({ smallestUnit: 'hour', roundingMode: 'floor' }),
    clock(to).add({ hours: 2 }),
  ];
  for (
    let local = first.subtract({ hours: 2 });
    Temporal.PlainDateTime.compare(local, last) < 0;
    local = local.add({ minutes: 15 })
  ) {
    const earlier = local.toZonedDateTime(zone, { disambiguation: 'earlier' });
    const exists = earlier.toPlainDateTime().equals(local);
    const later = local.toZonedDateTime(zone, { disambiguation: 'later' });
    const at = exists ? earlier : later.add({ seconds: 1 }).getTimeZoneTransition('previous');
    if (at && at.epochMilliseconds > from && at.epochMilliseconds <= to) found.add(at.epochMilliseconds);
  }
  return [...found].toSorted((a, b) => a - b);
}
