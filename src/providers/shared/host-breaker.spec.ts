import { beforeEach, describe, expect, it } from 'vitest';
import { setWallClock } from '../../common/clock.js';
import { HostBreaker, HostBreakers } from './host-breaker.js';
import type { Verdict } from '../provider.js';

const FAILED: Verdict = { action: 'retryBackoff', reason: 'HTTP 503' };
const ACCEPTED: Verdict = { action: 'accept' };
const START = 1_000_000;

describe('HostBreaker', () => {
  let now: number;
  let breaker: HostBreaker;
  beforeEach(() => {
    now = START;
    breaker = new HostBreaker(() => now);
  });

  function fail(times: number): void {
    for (let time = 0; time < times; time++) breaker.note(FAILED);
  }

  it('opens for a second at the twentieth failure in a row', () => {
    fail(19);
    expect(breaker.held()).toBeUndefined();
    fail(1);
    const forMs = 1_000;
    expect(breaker.held()).toEqual({ action: 'held', reason: 'the host is left alone: HTTP 503', forMs });
    now = START + forMs - 1;
    expect(breaker.held()).toMatchObject({ action: 'held' });
    now = START + forMs;
    expect(breaker.held()).toBeUndefined();
  });

  it.each<Verdict>([
    ACCEPTED,
    { action: 'dropDevice', reason: 'Unregistered', certain: true },
    { action: 'fail', reason: 'PayloadTooLarge' },
    { action: 'stopApplication', reason: 'Forbidden' },
    { action: 'retryAfter', reason: '429', afterMs: 1, scope: 'device' },
    { action: 'retryAfter', reason: '429', afterMs: 1, scope: 'application' },
  ])('$action shows that the host works', (verdict) => {
    fail(19);
    breaker.note(verdict);
    fail(19);
    expect(breaker.held()).toBeUndefined();
  });

  it.each<Verdict>([{ action: 'notSent' }, { action: 'held', reason: '', forMs: 0 }])(
    '$action does not count for or against the host',
    (verdict) => {
      fail(19);
      breaker.note(verdict);
      fail(1);
      expect(breaker.held()).toBeDefined();
    },
  );

  it('lets one delivery through as a probe, and its failure doubles the wait up to a minute', () => {
    fail(20);
    const waits: number[] = [];
    for (let round = 0; round < 8; round++) {
      const held = breaker.held();
      if (held?.action !== 'held') return expect.unreachable('open');
      waits.push(held.forMs);
      now += held.forMs;
      expect(breaker.held()).toBeUndefined();
      // Only one probe at a time; other deliveries wait for its result.
      expect(breaker.held()).toMatchObject({ action: 'held' });
      breaker.note({ action: 'ambiguous', reason: 'time-out' });
    }
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
  });

  it('closes at the first success and starts again with the first wait', () => {
    fail(20);
    now += 1_000;
    breaker.held();
    breaker.note(ACCEPTED);
    expect(breaker.held()).toBeUndefined();
    fail(19);
    expect(breaker.held()).toBeUndefined();
    fail(1);
    expect(breaker.held()).toMatchObject({ forMs: 1_000 });
  });

  it('does not depend on the wall clock: a step back leaves the wait unchanged', () => {
    const steady = new HostBreaker();
    for (let time = 0; time < 20; time++) steady.note(FAILED);
    setWallClock(Date.now() - 3_600_000, performance.now());
    expect(steady.held()).toMatchObject({ forMs: expect.closeTo(1_000, -3) as number });
  });

  it('deliveries that were open when it opened do not count', () => {
    fail(500);
    expect(breaker.held()).toMatchObject({ forMs: 1_000 });
  });

  it.each([
    [30_000, 30_000],
    [86_400_000, 600_000],
  ])('a host that asks for %i ms gets %i', (afterMs, waitMs) => {
    breaker.note({ action: 'retryAfter', reason: 'HTTP 429', afterMs, scope: 'host' });
    expect(breaker.held()).toMatchObject({ forMs: waitMs });
  });

  it.each([['aborted', 'notSent' as const, 0] as const, ['lost', undefined, 60_000] as const])(
    'after a probe that is %s, another probe is let through',
    (_what, action, afterMs) => {
      fail(20);
      now += 1_000;
      expect(breaker.held()).toBeUndefined();
      if (action) breaker.note({ action });
      now += afterMs;
      expect(breaker.held()).toBeUndefined();
    },
  );
});

it('HostBreakers keeps one breaker per host and drops the one unused for longest', () => {
  const breakers = new HostBreakers();
  const first = breakers.for('https://0.example');
  const second = breakers.for('https://1.example');
  expect(breakers.for('https://0.example')).toBe(first);
  for (let index = 2; index <= 256; index++) breakers.for(`https://${index}.example`);
  expect(breakers.for('https://0.example')).toBe(first);
  expect(breakers.for('https://1.example')).not.toBe(second);
});
