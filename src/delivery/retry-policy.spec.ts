import { describe, expect, it } from 'vitest';
import type { Verdict } from '../providers/provider.js';
import { OUTCOME } from './outcome.js';
import type { OutcomeName } from './outcome.js';
import { decide } from './retry-policy.js';
import type { Situation } from './retry-policy.js';

const NOW = Date.parse('2026-11-23T10:00:00Z');
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const WEEK = 7 * 24 * HOUR;

/** The first attempt of a message that was accepted just now and lives for a week; half of any jitter. */
function at(change: Partial<Situation> = {}): Situation {
  return {
    attempts: 1,
    now: NOW,
    acceptedAt: NOW,
    expiresAt: NOW + WEEK,
    onUnknown: 'resend',
    random: 0.5,
    ...change,
  };
}

/** The decision with the wait instead of the time. */
function decided(verdict: Verdict, change?: Partial<Situation>) {
  const situation = at(change);
  const { outcome, reason, retryAt } = decide(verdict, situation);
  const name = (Object.keys(OUTCOME) as OutcomeName[]).find((key) => OUTCOME[key] === outcome);
  return {
    outcome: name,
    ...(reason === undefined ? {} : { reason }),
    ...(retryAt === undefined ? {} : { waitMs: retryAt - situation.now }),
  };
}

describe('final verdicts', () => {
  it.each<[Verdict, ReturnType<typeof decided>]>([
    [{ action: 'accept' }, { outcome: 'accepted' }],
    [
      { action: 'acceptDropped', reason: 'throttled' },
      { outcome: 'accepted', reason: 'throttled' },
    ],
    [
      { action: 'dropDevice', reason: 'Unregistered', certain: true },
      { outcome: 'rejected', reason: 'Unregistered' },
    ],
    [
      { action: 'dropDevice', reason: 'BadDeviceToken', certain: false },
      { outcome: 'rejected', reason: 'BadDeviceToken' },
    ],
    [
      { action: 'fail', reason: 'PayloadTooLarge' },
      { outcome: 'failed', reason: 'PayloadTooLarge' },
    ],
    // Waits until the application is resumed, without a time.
    [
      { action: 'stopApplication', reason: 'InvalidProviderToken' },
      { outcome: 'pending', reason: 'InvalidProviderToken' },
    ],
    [{ action: 'notSent' }, { outcome: 'pending' }],
  ])('%j', (verdict, expected) => {
    // None of these depends on time, attempts or jitter.
    expect(decided(verdict)).toEqual(expected);
    expect(decided(verdict, { attempts: 9, now: NOW + 2 * WEEK, random: 0, onUnknown: 'hold' })).toEqual(expected);
  });
});

describe('retryBackoff', () => {
  const plain: Verdict = { action: 'retryBackoff', reason: 'busy' };
  const floored: Verdict = { action: 'retryBackoff', reason: 'busy', floorMs: 5 * SECOND, capMs: 15 * MINUTE };
  const quick: Verdict = {
    action: 'retryBackoff',
    reason: 'busy',
    firstMs: 5 * SECOND,
    floorMs: MINUTE,
    capMs: 15 * MINUTE,
  };
  it.each<[string, Verdict, number, number, number]>([
    ['full jitter starts at no wait', plain, 1, 0, 0],
    ['full jitter ends at the whole wait', plain, 1, 1, SECOND],
    ['doubles', plain, 2, 1, 2 * SECOND],
    ['doubles again', plain, 4, 0.5, 4 * SECOND],
    ['waits at most five minutes', plain, 10, 1, 5 * MINUTE],
    ["waits at least the provider's floor", floored, 1, 0, 5 * SECOND],
    ['adds the jitter to the floor', floored, 1, 1, 10 * SECOND],
    ['doubles the jitter above the floor', floored, 3, 1, 25 * SECOND],
    ["stops doubling at the provider's cap", floored, 30, 1, 15 * MINUTE + 5 * SECOND],
    ['keeps the cap after a thousand attempts', floored, 1_000, 1, 15 * MINUTE + 5 * SECOND],
    ['a quick first retry without jitter', quick, 1, 0, 5 * SECOND],
    ['a quick first retry with full jitter', quick, 1, 1, 10 * SECOND],
    ['the second retry after a quick one has the usual wait', quick, 2, 1, 2 * MINUTE],
    ['later retries after a quick one double', quick, 4, 1, 5 * MINUTE],
    ['later retries after a quick one have the cap', quick, 9, 1, 16 * MINUTE],
  ])('%s', (_what, verdict, attempts, random, waitMs) => {
    expect(decided(verdict, { attempts, random })).toEqual({ outcome: 'pending', reason: 'busy', waitMs });
  });
});

describe('retryAfter', () => {
  const after = (afterMs: number, capMs?: number): Verdict => ({
    action: 'retryAfter',
    reason: 'slow down',
    afterMs,
    ...(capMs && { capMs }),
    scope: 'application',
  });
  it.each<[string, Verdict, number, number, number]>([
    ["the provider's wait without jitter", after(30 * SECOND), 1, 0, 30 * SECOND],
    ["the provider's wait with as much jitter", after(30 * SECOND), 1, 1, 60 * SECOND],
    ['at most a minute of jitter', after(20 * MINUTE), 1, 1, 21 * MINUTE],
    ['a wait that the provider named does not double', after(30 * SECOND), 5, 0, 30 * SECOND],
    ['a documented wait at the first attempt', after(MINUTE, 10 * MINUTE), 1, 0, MINUTE],
    ['doubled', after(MINUTE, 10 * MINUTE), 3, 0, 4 * MINUTE],
    ['a documented wait has a cap', after(MINUTE, 10 * MINUTE), 5, 0, 10 * MINUTE],
    ['a documented wait keeps its cap after a thousand attempts', after(MINUTE, 10 * MINUTE), 1_000, 1, 11 * MINUTE],
  ])('%s', (_what, verdict, attempts, random, waitMs) => {
    expect(decided(verdict, { attempts, random })).toEqual({ outcome: 'pending', reason: 'slow down', waitMs });
  });
});

describe('ambiguous', () => {
  const verdict: Verdict = { action: 'ambiguous', reason: 'connection lost' };
  const held = { outcome: 'unknown', reason: 'connection lost' };
  it.each<[string, Partial<Situation>, object]>([
    ['is repeated after 1 s without jitter', { random: 0 }, { ...held, waitMs: SECOND }],
    ['is repeated after 2 s with full jitter', { random: 1 }, { ...held, waitMs: 2 * SECOND }],
    ['doubles the wait', { attempts: 2, random: 1 }, { ...held, waitMs: 3 * SECOND }],
    ['is not repeated after three attempts', { attempts: 3 }, held],
    ['is not repeated under hold', { onUnknown: 'hold' }, held],
    ['is not repeated after its time to live', { expiresAt: NOW + SECOND, random: 0 }, held],
    ['is repeated just before its end', { expiresAt: NOW + SECOND + 1, random: 0 }, { ...held, waitMs: SECOND }],
  ])('%s', (_what, change, expected) => {
    // Never expired or failed, because it may have arrived.
    expect(decided(verdict, change)).toEqual(expected);
  });

  it('is not repeated for a "now or never" message', () => {
    expect(decided({ ...verdict, lifeMs: 0 }, { random: 0 })).toEqual(held);
  });
});

describe('end of retries', () => {
  const waits = { reason: 'slow down', floorMs: MINUTE, capMs: MINUTE, afterMs: MINUTE, scope: 'application' } as const;
  const HELD = { outcome: 'pending', waitMs: MINUTE };
  it.each<[string, { giveUpMs?: number; lifeMs?: number }, Partial<Situation>, object]>([
    ['expires now if the next attempt would come too late', {}, { expiresAt: NOW + MINUTE }, { outcome: 'expired' }],
    ['waits if there is time', {}, { expiresAt: NOW + MINUTE + 1 }, HELD],
    ['is retried as long as the message lives', {}, { acceptedAt: NOW - 4 * WEEK, attempts: 99 }, HELD],
    ['fails an hour after acceptance if the provider asks for that', { giveUpMs: HOUR }, hourOld(3), failed()],
    ['does not fail before that hour', { giveUpMs: HOUR + 1 }, hourOld(3), HELD],
    ['does not fail before the third attempt', { giveUpMs: HOUR }, hourOld(2), HELD],
    [
      'expires rather than fails if both times have passed',
      { giveUpMs: HOUR },
      { ...hourOld(3), expiresAt: NOW },
      { outcome: 'expired' },
    ],
    ['expires at the end of its life on this platform', { lifeMs: MINUTE }, {}, { outcome: 'expired' }],
    ['waits until the end of its life on this platform', { lifeMs: MINUTE + 1 }, {}, HELD],
    [
      "ignores a life on this platform that is longer than the message's",
      { lifeMs: 2 * WEEK },
      { expiresAt: NOW + MINUTE },
      { outcome: 'expired' },
    ],
    ['has no delayed retry for "now or never"', { lifeMs: 0 }, {}, { outcome: 'expired' }],
  ])('%s', (_what, limits, change, expected) => {
    for (const action of ['retryAfter', 'retryBackoff'] as const) {
      const verdict = { action, ...waits, ...limits } as Verdict;
      expect(decided(verdict, { random: 0, ...change })).toEqual({ reason: 'slow down', ...expected });
    }
  });

  /** A message accepted so long ago that the next attempt would come an hour after. */
  function hourOld(attempts: number): Partial<Situation> {
    return { acceptedAt: NOW - HOUR + MINUTE, attempts };
  }

  function failed(): object {
    return { outcome: 'failed' };
  }
});
