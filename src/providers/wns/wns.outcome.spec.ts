import { describe, expect, it } from 'vitest';
import { readWnsOutcome } from './wns.outcome.js';

const NOW = Date.parse('2026-11-23T10:00:00Z');
const HOUR = 3_600_000;
/** Waits if the answer names none; they double. */
const LONG = { afterMs: HOUR, capMs: 4 * HOUR };
const CHANNEL = { afterMs: 600_000, capMs: 4 * HOUR };
const SHORT = { afterMs: 60_000, capMs: 600_000 };
const TRACE = { 'x-wns-debug-trace': 'DB5SCH101' };
const foreign = (status: number, headers: Record<string, string> = {}, body = '') =>
  readWnsOutcome({ kind: 'answered', status, headers, body: Buffer.from(body) }, NOW);
/** An answer of WNS, which has an x-wns- header. */
const read = (status: number, headers: Record<string, string> = {}) => foreign(status, { ...TRACE, ...headers });
const backoff = (reason: string) => ({ verdict: { action: 'retryBackoff', reason } });

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
    [302, {}, { action: 'retryBackoff', reason: 'HTTP 302' }],
    [421, {}, { action: 'retryBackoff', reason: 'HTTP 421' }],
    [425, {}, { action: 'retryBackoff', reason: 'HTTP 425' }],
  ])('%i %j', (status, headers, verdict) => {
    expect(read(status, headers)).toEqual({ verdict });
  });

  it('401 is repeated with another token, then stops the application', () => {
    expect(read(401)).toEqual({ verdict: { action: 'stopApplication', reason: 'HTTP 401' }, tokenRefused: true });
  });

  it('401 without a sign of WNS is repeated with another token and stops nothing', () => {
    expect(foreign(401)).toEqual({ ...backoff('HTTP 401'), tokenRefused: true });
    const bearer = foreign(401, { 'www-authenticate': 'Bearer error="invalid_token"' });
    expect(bearer.verdict.action).toBe('stopApplication');
  });

  it.each([400, 403, 404, 405, 406, 408, 410, 412, 421, 425, 302, 502])(
    'reads %i without an x-wns- header as the answer of a front end',
    (status) => {
      for (const body of ['', '<html>']) expect(foreign(status, {}, body)).toEqual(backoff(`HTTP ${status}`));
    },
  );

  it('a 200 without an x-wns- header is ambiguous', () => {
    expect(foreign(200)).toEqual({ verdict: { action: 'ambiguous', reason: 'unreadable answer' } });
    expect(foreign(200, {}, '<html>')).toEqual(backoff('HTTP 200'));
  });

  it('reads an answer with a cut body by its head', () => {
    const cut = (status: number, headers: Record<string, string>) =>
      readWnsOutcome({ kind: 'ambiguous', reason: 'time-out', head: { status, headers } }, NOW);
    expect(cut(200, { 'x-wns-status': 'received' })).toEqual({ verdict: { action: 'accept' } });
    expect(cut(404, {})).toEqual(backoff('HTTP 404'));
  });

  it('a request without an answer is ambiguous only if it was written', () => {
    expect(readWnsOutcome({ kind: 'ambiguous', reason: 'time-out' }, NOW).verdict.action).toBe('ambiguous');
    expect(readWnsOutcome({ kind: 'refused', reason: 'ECONNREFUSED' }, NOW).verdict.action).toBe('retryBackoff');
  });
});
