import { describe, expect, it } from 'vitest';
import { readHmsOutcome } from './hms.outcome.js';

const read = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  readHmsOutcome(
    {
      kind: 'answered',
      status,
      headers,
      body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
    },
    Date.parse('2026-11-23T10:00:00Z'),
  );
const code = (number: number | string, msg = '') => ({ code: String(number), msg, requestId: '1' });
const stop = (reason: string) => ({ verdict: { action: 'stopApplication', reason } });
const backoff = (reason: string) => ({
  verdict: { action: 'retryBackoff', reason, floorMs: 10_000, capMs: 300_000 },
});
/** The wait of the answer, otherwise from 10 s to five minutes. */
const later = (reason: string, waitMs?: number) => ({
  verdict: {
    action: 'retryAfter',
    reason,
    scope: 'application',
    ...(waitMs === undefined ? { afterMs: 10_000, capMs: 300_000 } : { afterMs: waitMs }),
  },
});

describe('readHmsOutcome', () => {
  it.each([200, 500])('80000000 is acceptance whatever the status: %i', (status) => {
    expect(read(status, code(80000000))).toEqual({ verdict: { action: 'accept' } });
    expect(read(status, { code: 80000000 })).toEqual({ verdict: { action: 'accept' } });
  });

  it.each([80100001, 80100003, 80100004, 80100013, 80100016, 80100018, 80100022, 80300008, 80300010, 80300013])(
    '%i fails the message',
    (number) => {
      for (const status of [200, 400]) {
        const reason = expect.stringMatching(new RegExp(`^${number} `)) as string;
        expect(read(status, code(number))).toEqual({ verdict: { action: 'fail', reason } });
      }
    },
  );

  it.each([
    [401, 80200001, { ...stop('80200001 authentication'), tokenRefused: true }],
    [401, 80200003, { ...stop('80200003 access token expired'), tokenRefused: true }],
    [401, 80200005, { ...stop('80200005 JWT expired'), tokenRefused: true }],
    [401, 80200006, { ...stop('80200006 credential disabled'), tokenRefused: true }],
    [200, 80300002, { ...stop('80300002 no permission'), tokenRefused: true }],
    [200, 80100017, later('80100017 too many topic tasks')],
    [200, 80600003, { ...backoff('80600003 OAuth failure'), suspectAccess: true }],
    [500, 81000001, backoff('81000001 internal')],
    [
      200,
      80300007,
      { verdict: { action: 'dropDevice', reason: '80300007 token invalid', certain: false }, again: 'split' },
    ],
    [200, 80300011, { verdict: { action: 'fail', reason: '80300011 no high priority' }, again: 'normal' }],
    [400, 80999999, { verdict: { action: 'fail', reason: '80999999' } }],
    [401, 80999999, { ...stop('80999999'), tokenRefused: true }],
    [500, 80999999, backoff('80999999')],
  ])('status %i with code %i', (status, number, outcome) => {
    expect(read(status, code(number))).toEqual(outcome);
  });

  it.each([
    [502, '<html>', {}, backoff('HTTP 502')],
    [503, '', {}, later('HTTP 503')],
    [503, '', { 'retry-after': '7' }, later('HTTP 503', 7_000)],
    [429, '', {}, later('HTTP 429')],
    [408, '', {}, backoff('HTTP 408')],
    [421, '', {}, backoff('HTTP 421')],
    [425, '', {}, backoff('HTTP 425')],
    [302, '', {}, backoff('HTTP 302')],
    [401, '', {}, { ...backoff('HTTP 401'), tokenRefused: true }],
    [400, '', {}, backoff('HTTP 400')],
    [403, '', {}, backoff('HTTP 403')],
    [403, '<html>', {}, backoff('HTTP 403')],
    [404, '<html>', {}, backoff('HTTP 404')],
    [413, '', {}, { verdict: { action: 'fail', reason: 'HTTP 413' } }],
    [200, '<html>', {}, backoff('HTTP 200')],
    [200, '', { 'content-type': 'text/html' }, backoff('HTTP 200')],
    [200, '', {}, { verdict: { action: 'ambiguous', reason: 'unreadable answer' } }],
    [200, '{"code":{}}', {}, { verdict: { action: 'ambiguous', reason: 'unreadable answer' } }],
    [400, '{"code":"a text"}', {}, backoff('HTTP 400')],
    [400, '{"code":"constructor"}', {}, backoff('HTTP 400')],
  ])('status %i with %j and no code', (status, body, headers, outcome) => {
    expect(read(status, body, headers)).toEqual(outcome);
  });

  it('a partial result removes the illegal tokens and accepts the rest', () => {
    const msg = JSON.stringify({ success: 2, failure: 1, illegal_tokens: ['bad', 7] });
    expect(read(200, code(80100000, msg))).toEqual({
      verdict: { action: 'accept' },
      byToken: new Map([['bad', { action: 'dropDevice', reason: '80100000 illegal token', certain: true }]]),
    });
  });

  it("a partial result of v3 removes invalid tokens and keeps tokens that fail for the app's rights", () => {
    const illegalTokens = {
      tokenFormatError: ['a'],
      noRight: ['b'],
      noPushTypeRight: ['c'],
      countryNotSupport: ['d'],
      disableSendHuaweiMsgBecauseOfPenalty: ['e'],
      appinfoError: ['f'],
      tokenPlatformNotSupport: ['g'],
      'strange text': ['h'],
    };
    const { verdict, byToken } = read(200, code(80100000, JSON.stringify({ success: 1, illegalTokens })));
    expect(verdict).toEqual({ action: 'accept' });
    const short = [...byToken!].map(
      ([token, each]) => `${token} ${each.action} ${'reason' in each ? each.reason : ''}`,
    );
    expect(short).toEqual([
      'a dropDevice 80100000 tokenFormatError',
      'b dropDevice 80100000 noRight',
      'c fail 80100000 noPushTypeRight',
      'd fail 80100000 countryNotSupport',
      'e fail 80100000 disableSendHuaweiMsgBecauseOfPenalty',
      'f fail 80100000 appinfoError',
      'g fail 80100000 tokenPlatformNotSupport',
      'h fail 80100000',
    ]);
  });

  it.each(['', 'Success', '{}', '[]', '{"illegal_tokens":"x"}'])('a partial result with %j is ambiguous', (msg) => {
    const reason = '80100000 unreadable partial result';
    expect(read(200, code(80100000, msg))).toEqual({ verdict: { action: 'ambiguous', reason } });
  });

  it('a request without an answer is ambiguous only if it was written', () => {
    expect(readHmsOutcome({ kind: 'ambiguous', reason: 'time-out' }, 0).verdict.action).toBe('ambiguous');
    expect(readHmsOutcome({ kind: 'refused', reason: 'ECONNREFUSED' }, 0).verdict.action).toBe('retryBackoff');
  });

  it('reads a cut answer by its status if it is a failure, as ambiguous if it is a success', () => {
    const cut = (status: number) =>
      readHmsOutcome({ kind: 'ambiguous', reason: 'time-out', head: { status, headers: {} } }, 0);
    expect(cut(502)).toEqual(backoff('HTTP 502'));
    expect(cut(200)).toEqual({ verdict: { action: 'ambiguous', reason: 'time-out' } });
  });
});
