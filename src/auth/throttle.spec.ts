import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Throttle } from './throttle.js';

const NOW = Date.parse('2026-11-23T10:00:00Z');
const ALLOWANCE = { burst: 3, everyMs: 1_000, maxKeys: 4 };

describe('Throttle', () => {
  it('allows a burst, then one attempt per interval', () => {
    const throttle = new Throttle(ALLOWANCE);
    for (let attempt = 0; attempt < 3; attempt++) {
      expect(throttle.waitFor('a', NOW)).toBe(0);
      throttle.spend('a', NOW);
    }
    expect(throttle.waitFor('a', NOW)).toBe(1_000);
    expect(throttle.waitFor('a', NOW + 999)).toBe(1);
    expect(throttle.waitFor('a', NOW + 1_000)).toBe(0);
    throttle.spend('a', NOW + 1_000);
    expect(throttle.waitFor('a', NOW + 1_000)).toBe(1_000);
    expect(throttle.waitFor('b', NOW + 1_000)).toBe(0);
  });

  it('a refund takes one spend back', () => {
    const throttle = new Throttle(ALLOWANCE);
    for (let attempt = 0; attempt < 3; attempt++) throttle.spend('a', NOW);
    throttle.refund('a', NOW);
    expect(throttle.waitFor('a', NOW)).toBe(0);
    throttle.refund('a', NOW);
    throttle.refund('a', NOW);
    expect(throttle.size).toBe(0);
    throttle.refund('nobody', NOW);
    expect(throttle.size).toBe(0);
  });

  it('never allows more in any period than the burst and the attempts that came back in the period', () => {
    const steps = fc.array(fc.integer({ min: 0, max: 2_500 }), { maxLength: 60 });
    fc.assert(
      fc.property(steps, (waits) => {
        const throttle = new Throttle(ALLOWANCE);
        const passed: number[] = [];
        let now = NOW;
        for (const wait of waits) {
          now += wait;
          if (throttle.waitFor('a', now) > 0) continue;
          throttle.spend('a', now);
          passed.push(now);
        }
        for (const [index, start] of passed.entries())
          for (const [other, end] of passed.entries())
            if (other > index)
              expect(other - index + 1).toBeLessThanOrEqual(ALLOWANCE.burst + (end - start) / ALLOWANCE.everyMs);
      }),
    );
  });

  it('a caller waits for at most one attempt, after any number of spends and any step of the clock', () => {
    const throttle = new Throttle(ALLOWANCE);
    for (let attempt = 0; attempt < 500; attempt++) throttle.spend('a', NOW);
    expect(throttle.waitFor('a', NOW)).toBe(ALLOWANCE.everyMs);
    expect(throttle.waitFor('a', NOW - 3_600_000)).toBe(ALLOWANCE.everyMs);
    throttle.refund('a', NOW - 3_600_000);
    expect(throttle.waitFor('a', NOW - 3_600_000)).toBe(0);
  });

  it('remembers at most the limit of keys, and forgets the key with the oldest spend', () => {
    const throttle = new Throttle(ALLOWANCE);
    for (const key of ['a', 'b', 'c', 'd']) for (let attempt = 0; attempt < 3; attempt++) throttle.spend(key, NOW);
    throttle.spend('a', NOW);
    for (let key = 0; key < 100; key++) {
      throttle.spend(`new ${key}`, NOW);
      expect(throttle.size).toBeLessThanOrEqual(ALLOWANCE.maxKeys);
    }
    expect(throttle.waitFor('a', NOW)).toBe(0);
  });

  it('keys without debt are removed when others come', () => {
    const throttle = new Throttle({ ...ALLOWANCE, maxKeys: 1_000 });
    for (let key = 0; key < 100; key++) throttle.spend(`old ${key}`, NOW);
    for (let key = 0; key < 60; key++) throttle.spend(`new ${key}`, NOW + 1_000);
    expect(throttle.size).toBe(60);
  });
});
