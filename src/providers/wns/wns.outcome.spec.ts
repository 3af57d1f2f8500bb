import { describe, expect, it } from 'vitest';
import { readWnsOutcome } from './wns.outcome.js';

const NOW = Date.parse('2026-11-23T10:00:00Z');
const HOUR = 3_600_000;
/** Waits where the answer names none: they double. */
const LONG = { afterMs: HOUR, capMs: 4 * HOUR };
const CHANNEL = { afterMs: 600_000, capMs: 4 * HOUR };
const SHORT = { afterMs: 60_000, capMs: 600_000 };
const read = (status: number, headers: Record<string, string> = {}) =>
  readWnsOutcome({ kind: 'answered', status, headers, body: Buffer.alloc(0) }, NOW);

describe('readWnsOutcome', () => {
  it.each<[number, Record<string, string>, object]>([
    [200, { 'x-wns-status': 'received' }, { action: 'accept' }],
    [200, {}, { action: 'accept' }],
    [200, { 'x-wns-status': 'dropped' }, { action: 'acceptDropped', reason: 'dropped' }],
    [200, { 'x-wns-notificationstatus': 'Dropped' }, { action: 'acceptDropped', reason: 'dropped' }],
    [
      200,
      { 'x-wns-status': 'channelThrottled' },
      { action: 'retryAfter', reason: 'channelthrottled', ...CHANNEL, scope: 'device' },
    ],
    [400, { 'x-wns-error-description': 'text of the message' }, { action: 'fail', reason: 'HTTP 400' }],
    [403, {}, { action: 'dropDevice', reason: 'HTTP 403', certain: false }],
    [404, {}, { action: 'dropDevice', reason: 'HTTP 404', certain: true }],
    [405, {}, { action: 'fail', reason: 'HTTP 405' }],
    [406, { 'retry-after': '90' }, { action: 'retryAfter', reason: 'HTTP 406', afterMs: 90_000, scope: 'application' }],
    [406, {}, { action: 'retryAfter', reason: 'HTTP 406', ...LONG, scope: 'application' }],
    [408, {}, { action: 'retryBackoff', reason: 'HTTP 408' }],
    [410, {}, { action: 'dropDevice', reason: 'HTTP 410', certain: true }],
    [
      410,
      { 'x-wns-error-description': 'Domain Blocked' },
      { action: 'stopApplication', reason: 'HTTP 410 Domain Blocked' },
    ],
    [412, {}, { action: 'retryAfter', reason: 'HTTP 412', ...LONG, scope: 'device' }],
    [412, { 'retry-after': '90' }, { action: 'retryAfter', reason: 'HTTP 412', afterMs: 90_000, scope: 'device' }],
    [
      200,
      { 'x-wns-status': 'channelthrottled', 'retry-after': '90' },
      { action: 'retryAfter', reason: 'channelthrottled', afterMs: 90_000, scope: 'device' },
    ],
    [413, {}, { action: 'fail', reason: 'HTTP 413' }],
    [429, {}, { action: 'retryAfter', reason: 'HTTP 429', ...SHORT, scope: 'application' }],
    [500, {}, { action: 'retryBackoff', reason: 'HTTP 500' }],
    [502, {}, { action: 'retryBackoff', reason: 'HTTP 502' }],
    [503, {}, { action: 'retryAfter', reason: 'HTTP 503', ...SHORT, scope: 'host' }],
    [503, { 'retry-after': '5' }, { action: 'retryAfter', reason: 'HTTP 503', afterMs: 5_000, scope: 'host' }],
    [302, {}, { action: 'fail', reason: 'HTTP 302' }],
  ])('%i %j', (status, headers, verdict) => {
    expect(read(status, headers)).toEqual({ verdict });
  });

  it('401 asks for another token, and stops when that does not help', () => {
    expect(read(401)).toEqual({ verdict: { action: 'stopApplication', reason: 'HTTP 401' }, replay: 'renewed' });
  });

  it('no answer is ambiguous only when something was written', () => {
    expect(readWnsOutcome({ kind: 'ambiguous', reason: 'time-out' }, NOW).verdict.action).toBe('ambiguous');
    expect(readWnsOutcome({ kind: 'refused', reason: 'ECONNREFUSED' }, NOW).verdict.action).toBe('retryBackoff');
  });
});
