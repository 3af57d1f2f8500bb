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
    ['full jitter from nothing', plain, 1, 0, 0],
    ['… to the whole wait', plain, 1, 1, SECOND],
    ['doubles', plain, 2, 1, 2 * SECOND],
    ['doubles again', plain, 4, 0.5, 4 * SECOND],
    ['to five minutes at most', plain, 10, 1, 5 * MINUTE],
    ['never sooner than the provider asks', floored, 1, 0, 5 * SECOND],
    ['jitter goes on top of it', floored, 1, 1, 10 * SECOND],
    ['it doubles from there', floored, 3, 1, 25 * SECOND],
    ["to the provider's own cap", floored, 30, 1, 15 * MINUTE + 5 * SECOND],
    ['also after a thousand attempts', floored, 1_000, 1, 15 * MINUTE + 5 * SECOND],
    ['a quick first retry', quick, 1, 0, 5 * SECOND],
    ['… within twice its time', quick, 1, 1, 10 * SECOND],
    ['and the usual ones after it', quick, 2, 1, 2 * MINUTE],
    ['which double', quick, 4, 1, 5 * MINUTE],
    ['to their cap', quick, 9, 1, 16 * MINUTE],
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
    ['what the provider says', after(30 * SECOND), 1, 0, 30 * SECOND],
    ['and as much again apart', after(30 * SECOND), 1, 1, 60 * SECOND],
    ['a minute apart at most', after(20 * MINUTE), 1, 1, 21 * MINUTE],
    ['not doubled: it was said', after(30 * SECOND), 5, 0, 30 * SECOND],
    ['what is documented, where nothing was said', after(MINUTE, 10 * MINUTE), 1, 0, MINUTE],
    ['doubled', after(MINUTE, 10 * MINUTE), 3, 0, 4 * MINUTE],
    ['to the cap', after(MINUTE, 10 * MINUTE), 5, 0, 10 * MINUTE],
    ['and no further', after(MINUTE, 10 * MINUTE), 1_000, 1, 11 * MINUTE],
  ])('%s', (_what, verdict, attempts, random, waitMs) => {
    expect(decided(verdict, { attempts, random })).toEqual({ outcome: 'pending', reason: 'slow down', waitMs });
  });
});

describe('ambiguous', () => {
  const verdict: Verdict = { action: 'ambiguous', reason: 'connection lost' };
  const held = { outcome: 'unknown', reason: 'connection lost' };
  it.each<[string, Partial<Situation>, object]>([
    ['is written again after 1 to 2 s', { random: 0 }, { ...held, waitMs: SECOND }],
    ['… at the latest', { random: 1 }, { ...held, waitMs: 2 * SECOND }],
    ['the wait doubles', { attempts: 2, random: 1 }, { ...held, waitMs: 3 * SECOND }],
    ['three tries', { attempts: 3 }, held],
    ['no try more under hold', { onUnknown: 'hold' }, held],
    ['none past its time to live', { expiresAt: NOW + SECOND, random: 0 }, held],
    ['one just inside it', { expiresAt: NOW + SECOND + 1, random: 0 }, { ...held, waitMs: SECOND }],
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
    ['expires now rather than at a try that comes too late', {}, { expiresAt: NOW + MINUTE }, { outcome: 'expired' }],
    ['waits when there is time', {}, { expiresAt: NOW + MINUTE + 1 }, HELD],
    ['goes on for as long as the message lives', {}, { acceptedAt: NOW - 4 * WEEK, attempts: 99 }, HELD],
    ['fails an hour after acceptance where the provider asks for that', { giveUpMs: HOUR }, hourOld(3), failed()],
    ['… not a moment before', { giveUpMs: HOUR + 1 }, hourOld(3), HELD],
    ['… but never before the third try', { giveUpMs: HOUR }, hourOld(2), HELD],
    [
      'both at once: what the caller set comes first',
      { giveUpMs: HOUR },
      { ...hourOld(3), expiresAt: NOW },
      { outcome: 'expired' },
    ],
    ['expires when its life at this platform is over', { lifeMs: MINUTE }, {}, { outcome: 'expired' }],
    ['… and waits until then', { lifeMs: MINUTE + 1 }, {}, HELD],
    ['a longer life there changes nothing', { lifeMs: 2 * WEEK }, { expiresAt: NOW + MINUTE }, { outcome: 'expired' }],
    ['now or never: no delayed retry at all', { lifeMs: 0 }, {}, { outcome: 'expired' }],
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
