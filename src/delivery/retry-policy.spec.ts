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

/** The first attempt, just accepted, to live for a week; half of any jitter. */
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

/** What the decision says, with the wait instead of the moment. */
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
    // Waits for the application to be resumed; no time of its own.
    [
      { action: 'stopApplication', reason: 'InvalidProviderToken' },
      { outcome: 'pending', reason: 'InvalidProviderToken' },
    ],
    [{ action: 'notSent' }, { outcome: 'pending' }],
  ])('%j', (verdict, expected) => {
    // None of them depends on when, how often or with what luck.
    expect(decided(verdict)).toEqual(expected);
    expect(decided(verdict, { attempts: 9, now: NOW + 2 * WEEK, random: 0, onUnknown: 'hold' })).toEqual(expected);
  });
});

describe('retryBackoff', () => {
  const plain: Verdict = { action: 'retryBackoff', reason: 'busy' };
  const apns: Verdict = { action: 'retryBackoff', reason: 'busy', floorMs: 5 * SECOND, capMs: 15 * MINUTE };
  it.each<[string, Verdict, number, number, number]>([
    ['full jitter from nothing', plain, 1, 0, 0],
    ['… to the whole wait', plain, 1, 1, SECOND],
    ['doubles', plain, 2, 1, 2 * SECOND],
    ['doubles again', plain, 4, 0.5, 4 * SECOND],
    ['to five minutes at most', plain, 10, 1, 5 * MINUTE],
    ['never sooner than the provider asks', apns, 1, 0, 5 * SECOND],
    ['jitter goes on top of it', apns, 1, 1, 10 * SECOND],
    ['it doubles from there', apns, 3, 1, 25 * SECOND],
    ["to the provider's own cap", apns, 30, 1, 15 * MINUTE + 5 * SECOND],
    ['also after a thousand attempts', apns, 1_000, 1, 15 * MINUTE + 5 * SECOND],
  ])('%s', (_what, verdict, attempts, random, waitMs) => {
    expect(decided(verdict, { attempts, random })).toEqual({ outcome: 'pending', reason: 'busy', waitMs });
  });
});

describe('retryAfter', () => {
  const after = (afterMs: number, scope: 'device' | 'application' | 'host'): Verdict => ({
    action: 'retryAfter',
    reason: 'slow down',
    afterMs,
    scope,
  });
  it.each<[string, Verdict, number, number, number]>([
    ['what it says, for an application', after(30 * SECOND, 'application'), 1, 0, 30 * SECOND],
    ['and as much again apart', after(30 * SECOND, 'application'), 1, 1, 60 * SECOND],
    ['a minute apart at most', after(20 * MINUTE, 'host'), 1, 1, 21 * MINUTE],
    ['not doubled for an application', after(30 * SECOND, 'application'), 5, 0, 30 * SECOND],
    ['not doubled for a host', after(30 * SECOND, 'host'), 5, 0, 30 * SECOND],
    ['doubled for a device', after(MINUTE, 'device'), 3, 0, 4 * MINUTE],
    ['to an hour for a device', after(MINUTE, 'device'), 20, 0, HOUR],
    ['but never less than it says', after(2 * HOUR, 'device'), 2, 0, 2 * HOUR],
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
    ['none a day after acceptance', { acceptedAt: NOW - 24 * HOUR }, held],
  ])('%s', (_what, change, expected) => {
    // Never expired or failed: it may have arrived, and that is all that is known.
    expect(decided(verdict, change)).toEqual(expected);
  });
});

describe('the end of trying', () => {
  const verdict: Verdict = { action: 'retryAfter', reason: 'slow down', afterMs: MINUTE, scope: 'application' };
  it.each<[string, Partial<Situation>, object]>([
    ['expires now rather than at a try that comes too late', { expiresAt: NOW + MINUTE }, { outcome: 'expired' }],
    ['waits when there is time', { expiresAt: NOW + MINUTE + 1 }, { outcome: 'pending', waitMs: MINUTE }],
    ['fails a day after acceptance', { acceptedAt: NOW - 24 * HOUR + MINUTE }, { outcome: 'failed' }],
    [
      'waits to the last moment of that day',
      { acceptedAt: NOW - 24 * HOUR + MINUTE + 1 },
      { outcome: 'pending', waitMs: MINUTE },
    ],
    [
      'both at once: what the caller set comes first',
      { acceptedAt: NOW - 25 * HOUR, expiresAt: NOW },
      { outcome: 'expired' },
    ],
  ])('%s', (_what, change, expected) => {
    expect(decided(verdict, { random: 0, ...change })).toEqual({ reason: 'slow down', ...expected });
    const backoff: Verdict = { action: 'retryBackoff', reason: 'slow down', floorMs: MINUTE };
    expect(decided(backoff, { random: 0, ...change })).toEqual({ reason: 'slow down', ...expected });
  });
});
