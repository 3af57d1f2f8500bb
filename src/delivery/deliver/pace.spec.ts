import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Proven } from '../../applications/proven-rate.js';
import { durationOf, durationUnder, rampUp, rateAt, cutPace, turnSize } from './pace.js';

const NOW = 1_700_000_000_000;
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const RAMP = { from: 1_000, to: 10_000, overMs: MINUTE };

const NEW = { lastSuccessAt: null, proven: null };
const DAY = 24 * 60 * MINUTE;

/** Traffic that was accepted at this rate, `age` ms ago. */
function lately(perSecond: number, age: number): { lastSuccessAt: number; proven: Proven } {
  return { lastSuccessAt: NOW - age, proven: { perSecond, at: NOW - age } };
}

describe('rampUp', () => {
  it('grows from the first rate to the last in its time, and further', () => {
    const pace = rampUp(RAMP, NEW, NOW);
    const rates = [0, 30, 60, 119].map((seconds) => Math.round(rateAt(pace, NOW + seconds * SECOND) ?? 0));
    expect(rates).toEqual([1_000, 3_162, 10_000, 96_235]);
    expect(rateAt(pace, NOW + 120 * SECOND)).toBeNull();
  });

  it.each([
    ['the provider asks for no ramp', undefined, null, false],
    ['nothing was accepted yet', RAMP, null, true],
    ['something was accepted just now', RAMP, NOW - MINUTE, false],
    ['nothing was accepted for ten minutes', RAMP, NOW - 10 * MINUTE, true],
  ])('when %s', (_when, ramp, lastSuccessAt, ramps) => {
    expect(rampUp(ramp, { lastSuccessAt, proven: null }, NOW) !== null).toBe(ramps);
  });

  it.each([
    ['a day ago at 8,000 a second', lately(8_000, DAY), 6_350],
    ['a week ago at 8,000 a second', lately(8_000, 7 * DAY), 1_587],
    ['a month ago at 8,000 a second', lately(8_000, 30 * DAY), 1_000],
    ['a day ago, faster than the ramp’s end', lately(30_000, DAY), 10_000],
    ['a day ago, a few messages', lately(2, DAY), 1_000],
    ['just now, a few messages, but no traffic', lately(2, MINUTE), 1_000],
    ['before the clock was set back', lately(8_000, -DAY), 1_000],
    ['with other settings', { lastSuccessAt: NOW - DAY, proven: { perSecond: 0, at: NOW - DAY } }, 1_000],
    ['just now with other settings', { lastSuccessAt: NOW - MINUTE, proven: { perSecond: 0, at: NOW } }, 1_000],
  ])('if deliveries were accepted %s, the start is at a rate that was accepted', (_when, traffic, from) => {
    expect(rateAt(rampUp(RAMP, traffic, NOW), NOW)).toBeCloseTo(from, 0);
  });

  it('a start from a remembered rate continues the same curve', () => {
    const pace = rampUp(RAMP, lately(3_162.28, 0.001), NOW + 15 * MINUTE);
    const start = pace?.changedAt ?? 0;
    const rates = [0, 30, 89].map((seconds) => Math.round((rateAt(pace, start + seconds * SECOND) ?? 0) / 100));
    expect(rates).toEqual([32, 100, 960]);
    expect(rateAt(pace, start + 91 * SECOND)).toBeNull();
  });

  it('traffic that is under way is not limited', () => {
    expect(rampUp(RAMP, lately(1_500, MINUTE), NOW)).toBeNull();
  });
});

describe('cutPace', () => {
  it('cuts the sent rate to 70 % and recovers by 5 % a minute for an hour', () => {
    const pace = cutPace(null, 1_000, NOW);
    expect(rateAt(pace, NOW)).toBeCloseTo(700);
    expect(rateAt(pace, NOW + MINUTE)).toBeCloseTo(735);
    expect(rateAt(pace, NOW + 59 * MINUTE)).toBeCloseTo(700 * 1.05 ** 59);
    expect(rateAt(pace, NOW + 60 * MINUTE)).toBeNull();
  });

  it('cuts the current limit, not the rate that was wished for', () => {
    const first = cutPace(null, 1_000, NOW);
    expect(rateAt(cutPace(first, 5_000, NOW + 20 * SECOND), NOW + 20 * SECOND)).toBeCloseTo(
      0.7 * 700 * 1.05 ** (1 / 3),
    );
    // Less was sent than allowed, and it was still too much.
    expect(rateAt(cutPace(first, 600, NOW + 20 * SECOND), NOW + 20 * SECOND)).toBeCloseTo(420);
  });

  it('does not cut a low rate of a few messages, and cuts again if the limit is still too high', () => {
    const first = cutPace(null, 2, NOW);
    expect(rateAt(first, NOW)).toBeCloseTo(350);
    const again = cutPace(first, 2, NOW + MINUTE);
    expect(rateAt(again, NOW + MINUTE)).toBeCloseTo(0.7 * 350 * 1.05);
  });

  it('cuts once for all deliveries that were open', () => {
    const first = cutPace(null, 1_000, NOW);
    expect(cutPace(first, 1_000, NOW + 9 * SECOND)).toBe(first);
    expect(cutPace(first, 1_000, NOW + 10 * SECOND)).not.toBe(first);
  });

  it('cuts a ramp at once', () => {
    const pace = cutPace(rampUp(RAMP, NEW, NOW), 800, NOW + SECOND);
    expect(rateAt(pace, NOW + SECOND)).toBeCloseTo(560);
    expect(rateAt(pace, NOW + SECOND + MINUTE)).toBeCloseTo(588);
  });

  it('never reaches a rate of zero', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { maxLength: 200 }), (observed) => {
        let pace = cutPace(null, 0, NOW);
        let now = NOW;
        for (const rate of observed) pace = cutPace(pace, rate, (now += 11 * SECOND));
        expect(rateAt(pace, now) ?? 0).toBeGreaterThan(0);
        expect(turnSize(rateAt(pace, now) ?? 0)).toBeGreaterThanOrEqual(1);
      }),
    );
  });
});

it.each([
  [0.3, 1],
  [1, 1],
  [49.2, 50],
  [3_000, 3_000],
])('at %d a second a turn has %d deliveries', (rate, size) => {
  expect(turnSize(rate)).toBe(size);
});

it('250 deliveries at 500 a second last half a second', () => {
  expect(durationOf(250, 500)).toBe(500);
});

describe('durationUnder', () => {
  const steady = { perSecond: 100, growth: 1, changedAt: NOW, lapsesAt: NOW + 60 * MINUTE };
  const doubling = { ...steady, growth: 2 };

  it.each([
    ['without a limit', null, 1_000_000, 0],
    ['at a steady rate', steady, 6_000, MINUTE],
    ['at a rate that doubles each minute: 100 · 60 · (2 - 1) / ln 2 in the first', doubling, 6_000 / Math.LN2, MINUTE],
    ['until the limit lapses', steady, 1_000_000, 60 * MINUTE],
  ])('%s', (_name, pace, count, wanted) => {
    expect(durationUnder(pace, count, NOW)).toBeCloseTo(wanted, 0);
  });
});
