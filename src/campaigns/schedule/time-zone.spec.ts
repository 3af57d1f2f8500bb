import { Temporal } from 'temporal-polyfill';
import { describe, expect, it } from 'vitest';
import { changesBetween, isTimeZone, toLocal, toMoment } from './time-zone.js';

const FROM = Date.UTC(2022);
const TO = Date.UTC(2032);
const MINUTE = 60_000;

describe('every zone for ten years agrees with an independent library', () => {
  const zones = Intl.supportedValuesOf('timeZone');

  it('has the same changes', () => {
    for (const zone of zones) {
      const mine = changesBetween(zone, FROM, TO).map(({ at }) => at);
      expect(mine, zone).toEqual(changesByTemporal(zone));
    }
  }, 120_000);

  it('maps wall clocks to moments and back around each change', () => {
    let looked = 0;
    for (const zone of zones)
      for (const change of changesByTemporal(zone).slice(0, 8)) {
        for (const minutes of [-91, -60, -31, -1, 0, 1, 29, 59, 60, 61, 125])
          for (const from of [change - 1, change]) {
            const local = toLocal(zone, from) + minutes * MINUTE;
            expect(toMoment(zone, local), `${zone} ${new Date(local).toISOString()}`).toEqual(
              momentByTemporal(zone, local),
            );
            looked++;
          }
      }
    expect(looked).toBeGreaterThan(10_000);
  }, 120_000);
});

it('a whole day may be missing', () => {
  // Samoa went from 29 to 31 December 2011.
  const skipped = Date.UTC(2011, 11, 30, 12);
  expect(toMoment('Pacific/Apia', skipped)).toEqual({ at: Date.UTC(2011, 11, 30, 10), kind: 'gap' });
});

it.each([
  ['Europe/Berlin', true],
  ['US/Eastern', true],
  ['Asia/Calcutta', true],
  ['UTC', true],
  ['Etc/GMT-14', true],
  ['+02:00', false],
  ['SystemV/EST5', false],
  ['Europe/Atlantis', false],
  ['', false],
  ['Europe/Berlin\0', false],
])('%j is a zone: %s', (name, expected) => {
  expect(isTimeZone(name)).toBe(expected);
});

function changesByTemporal(zone: string): number[] {
  const changes: number[] = [];
  let at: Temporal.ZonedDateTime | null = Temporal.Instant.fromEpochMilliseconds(FROM - 1).toZonedDateTimeISO(zone);
  while ((at = at.getTimeZoneTransition('next')) !== null && at.epochMilliseconds < TO)
    changes.push(at.epochMilliseconds);
  return changes;
}

function momentByTemporal(zone: string, local: number): { at: number; kind: string } {
  const text = Temporal.PlainDateTime.from(new Date(local).toISOString().slice(0, 23));
  const [earlier, later] = (['earlier', 'later'] as const).map((disambiguation) =>
    text.toZonedDateTime(zone, { disambiguation }),
  );
  if (!earlier || !later) throw new Error('unreachable');
  if (earlier.epochMilliseconds === later.epochMilliseconds) return { at: earlier.epochMilliseconds, kind: 'plain' };
  if (earlier.toPlainDateTime().equals(text)) return { at: earlier.epochMilliseconds, kind: 'fold' };
  const end = later.add({ seconds: 1 }).getTimeZoneTransition('previous');
  return { at: end?.epochMilliseconds ?? NaN, kind: 'gap' };
}
