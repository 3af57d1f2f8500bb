import { describe, expect, it } from 'vitest';
import type { Definition, Policies } from '../campaign.js';
import { nextFiring, readSchedule } from '../schedule/schedule.js';
import { DEAD_BY_MORNING, IN_QUIET_HOURS } from '../reason.js';
import { decideWave, planWaves, quietTimes, zonesOf } from './wave.js';
import type { WavePlan, WaveTerms } from './wave.js';

const HOUR = 3_600_000;
const at = (text: string) => Date.parse(`${text}:00Z`);
const iso = (time: number) => new Date(time).toISOString().slice(0, 16);
const WEEK_S = 7 * 86_400;

/** The plan for one zone of a campaign that fires on 30 November. */
function planFor(zone: string, local: string, policies: Policies, ttlSeconds = WEEK_S): WavePlan {
  const { terms, firing } = fire({ at: [local], timeZone: 'recipient' }, policies, ttlSeconds);
  const plan = planWaves(terms, firing).find((each) => zonesOf(each, terms, firing, [zone])?.of.includes(zone));
  if (!plan) throw new Error(`no wave for ${zone}`);
  return plan;
}

function fire(schedule: Parameters<typeof readSchedule>[0], policies: Policies = {}, ttlSeconds = WEEK_S) {
  const read = readSchedule(schedule);
  const terms: WaveTerms = { schedule: read, quietHours: policies.quietHours, ttlSeconds, salt: 'c' };
  const firing = nextFiring(read, 0);
  if (!firing) throw new Error('it never fires');
  return { terms, firing };
}

describe('the wave of New York (UTC-5) under quiet hours, time to live and catch-up', () => {
  const hold = { from: '22:00', to: '08:00', action: 'hold' as const };
  const drop = { ...hold, action: 'drop' as const };
  const NONE = null;
  // Local time, quiet hours, time to live in hours, delay of the scheduler in hours, catch-up policy, expected outcome.
  it.each<[string, Policies['quietHours'] | null, number, number, Policies['catchUp'], string]>([
    ['2026-11-30T09:00', NONE, 48, 0, 'once', 'sent 2026-11-30T14:00'],
    ['2026-11-30T09:00', hold, 48, 0, 'once', 'sent 2026-11-30T14:00'],
    ['2026-11-30T09:00', drop, 48, 0, 'once', 'sent 2026-11-30T14:00'],
    // The first minute is quiet, the last is not.
    ['2026-11-30T22:00', hold, 48, 0, 'once', 'sent 2026-12-01T13:00'],
    ['2026-11-30T21:59', hold, 48, 0, 'once', 'sent 2026-12-01T02:59'],
    ['2026-11-30T07:59', hold, 48, 0, 'once', 'sent 2026-11-30T13:00'],
    ['2026-11-30T08:00', hold, 48, 0, 'once', 'sent 2026-11-30T13:00'],
    ['2026-11-30T23:30', hold, 48, 0, 'once', 'sent 2026-12-01T13:00'],
    ['2026-11-30T23:30', drop, 48, 0, 'once', IN_QUIET_HOURS],
    // Held until morning, after the time to live has ended; with a minute more, the wave is sent.
    ['2026-11-30T23:00', hold, 9, 0, 'once', DEAD_BY_MORNING],
    ['2026-11-30T23:00', hold, 10, 0, 'once', 'sent 2026-12-01T13:00'],
    ['2026-11-30T23:00', hold, 8, 0, 'skip', DEAD_BY_MORNING],
    // Late, without quiet hours.
    ['2026-11-30T09:00', NONE, 48, 5, 'once', 'sent 2026-11-30T19:00'],
    ['2026-11-30T09:00', NONE, 48, 5, 'skip', 'missed by 18000 s; catchUp is skip'],
    ['2026-11-30T09:00', NONE, 48, 5, 'all', 'sent 2026-11-30T19:00'],
    ['2026-11-30T09:00', NONE, 48, 30, 'all', 'missed by 108000 s, more than catchUpSeconds'],
    ['2026-11-30T09:00', NONE, 4, 5, 'once', 'its time to live has ended'],
    // So late that quiet hours have begun.
    ['2026-11-30T20:00', hold, 48, 3, 'once', 'waits 2026-12-01T13:00'],
    ['2026-11-30T20:00', hold, 10, 3, 'once', DEAD_BY_MORNING],
    ['2026-11-30T20:00', drop, 48, 3, 'once', IN_QUIET_HOURS],
    ['2026-11-30T20:00', drop, 48, 3, 'skip', 'missed by 10800 s; catchUp is skip'],
    ['2026-11-30T20:00', hold, 48, 13, 'once', 'sent 2026-12-01T14:00'],
    // Held, and late on top.
    ['2026-11-30T23:00', hold, 48, 2, 'once', 'sent 2026-12-01T15:00'],
    ['2026-11-30T23:00', hold, 10, 2, 'once', 'its time to live has ended'],
  ])(
    '%s, quiet %j, ttl %i h, %i h late, catchUp %s: %s',
    (local, quietHours, ttlHours, lateHours, catchUp, expected) => {
      const policies: Policies = { catchUp, ...(quietHours && { quietHours }) };
      const plan = planFor('America/New_York', local, policies, ttlHours * 3_600);
      expect(told(plan, policies, ttlHours, lateHours)).toBe(expected);
    },
  );

  function told(plan: WavePlan, policies: Policies, ttlHours: number, lateHours: number): string {
    const now = plan.dueAt + lateHours * HOUR;
    const definition = { policies } as Definition;
    const decision = decideWave(plan, plan.dueAt, definition, ttlHours * 3_600, now);
    if (decision.do === 'skip') return decision.reason;
    return decision.do === 'wait' ? `waits ${iso(decision.until)}` : `sent ${iso(now)}`;
  }
});

describe('waves', () => {
  it('a plain campaign has one wave for all devices', () => {
    const { terms, firing } = fire({ at: ['2026-11-30T09:00Z'] });
    expect(planWaves(terms, firing)).toEqual([
      { scheduledAt: at('2026-11-30T09:00'), dueAt: at('2026-11-30T09:00'), dropped: null, quiet: [], zoned: false },
    ]);
  });
  it('in the recipients’ time every zone of the world is in exactly one wave, at its own hour', () => {
    const { terms, firing } = fire({ at: ['2026-11-30T09:00'], timeZone: 'recipient' });
    const waves = planWaves(terms, firing);
    const zones = [...Intl.supportedValuesOf('timeZone'), 'US/Pacific', 'Asia/Kolkata'];
    const count = new Map(zones.map((zone) => [zone, 0]));
    for (const wave of waves)
      for (const zone of zonesOf(wave, terms, firing, zones)?.of ?? []) {
        count.set(zone, (count.get(zone) ?? 0) + 1);
        const clock = new Intl.DateTimeFormat('sv', { timeZone: zone, dateStyle: 'short', timeStyle: 'short' });
        expect(clock.format(wave.dueAt), zone).toBe('2026-11-30 09:00');
      }
    expect([...count].filter(([, times]) => times !== 1)).toEqual([]);
    expect(waves.length).toBeGreaterThan(30);
    expect(waves.length).toBeLessThan(45);
    expect((waves.at(-1)?.dueAt ?? 0) - (waves[0]?.dueAt ?? 0)).toBe(25 * HOUR);
  });
  it('devices without a zone, or with an unknown zone, are in the wave of the default zone', () => {
    const { terms, firing } = fire({ at: ['2026-11-30T09:00'], timeZone: 'recipient', defaultTimeZone: 'Asia/Tokyo' });
    const named = ['Mars/Base', 'Asia/Tokyo', 'Europe/Berlin'];
    const found = planWaves(terms, firing).flatMap((wave) => {
      const zones = zonesOf(wave, terms, firing, named);
      return zones ? [{ due: iso(wave.dueAt), ...zones }] : [];
    });
    expect(found).toEqual([
      { due: '2026-11-30T00:00', of: ['Mars/Base', 'Asia/Tokyo'], orNone: true },
      { due: '2026-11-30T08:00', of: ['Europe/Berlin'], orNone: false },
    ]);
  });
  it('quiet hours of a campaign at one time hold the zones where it is night', () => {
    const quietHours = { from: '22:00', to: '08:00', action: 'hold' as const };
    const { terms, firing } = fire({ at: ['2026-11-30T12:00Z'] }, { quietHours });
    const dueIn = (zone: string) =>
      planWaves(terms, firing)
        .filter((wave) => zonesOf(wave, terms, firing, [zone])?.of.length)
        .map((wave) => iso(wave.dueAt));
    expect(dueIn('Europe/Berlin')).toEqual(['2026-11-30T12:00']);
    expect(dueIn('America/Los_Angeles')).toEqual(['2026-11-30T16:00']);
    expect(dueIn('Asia/Tokyo')).toEqual(['2026-11-30T12:00']);
    expect(dueIn('Pacific/Auckland')).toEqual(['2026-11-30T19:00']);
  });
});

describe('quiet times', () => {
  it('are computed over midnight, within a day, and at daylight saving', () => {
    const night = { from: '22:00', to: '08:00', action: 'hold' as const };
    expect(
      quietTimes(night, 'Europe/Berlin', at('2026-03-28T12:00'))
        .slice(0, 2)
        .map(([from, to]) => [iso(from), iso(to)]),
    ).toEqual([
      ['2026-03-28T21:00', '2026-03-29T06:00'],
      ['2026-03-29T20:00', '2026-03-30T06:00'],
    ]);
    const lunch = { from: '12:00', to: '13:00', action: 'hold' as const };
    expect(quietTimes(lunch, 'UTC', at('2026-03-28T12:30'))[0]?.map(iso)).toEqual([
      '2026-03-28T12:00',
      '2026-03-28T13:00',
    ]);
    expect(quietTimes(lunch, 'UTC', at('2026-03-28T13:00'))[0]?.map(iso)).toEqual([
      '2026-03-29T12:00',
      '2026-03-29T13:00',
    ]);
    expect(quietTimes(night, 'UTC', at('2026-03-28T03:00'))).toHaveLength(7);
  });
});
