import { describe, expect, it } from 'vitest';
import type { PushResult } from '../../http2/push.js';
import type { Verdict } from '../provider.js';
import { readWebPushOutcome } from './web-push.outcome.js';

const NOW = 1_800_000_000_000;

function read(status: number, body: unknown = '', headers: Record<string, string> = {}) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const result: PushResult = { kind: 'answered', status, headers, body: Buffer.from(text), connection: 1 };
  return readWebPushOutcome(result, NOW);
}

const fail = (reason: string) => ({ verdict: { action: 'fail', reason } });
const dead = (reason: string) => ({ verdict: { action: 'dropDevice', reason, certain: true } });
const mismatch = (reason: string) => ({ verdict: { action: 'dropDevice', reason, certain: false } });
const trouble = (reason: string) => ({
  verdict: { action: 'retryBackoff', reason, floorMs: 30_000, capMs: 600_000 },
});
const stop = (reason: string) => ({ verdict: { action: 'stopApplication', reason }, replay: 'renewed' });
const unclear = (reason: string) => ({ ...stop(reason), suspectKey: true });
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const after = (reason: string, afterMs: number, scope: string, capMs?: number) => ({
  verdict: { action: 'retryAfter', reason, afterMs, scope, ...(capMs && { capMs }) },
});

describe('every service', () => {
  it.each<[number, string, Record<string, string>]>([
    [201, '', { location: 'https://push.example/m/1' }],
    [201, '', {}],
    [202, '', {}],
    [200, '', { location: '/m/1' }],
    [200, '', { 'apns-id': '1' }],
    [200, '', { ttl: '60' }],
    [200, '{"id":"x","event":"message"}', {}],
  ])('accepts %i %j %j', (status, body, headers) => {
    expect(read(status, body, headers)).toEqual({ verdict: { action: 'accept' } });
  });

  it('a success without any sign of a push service is ambiguous', () => {
    expect(read(200)).toEqual({ verdict: { action: 'ambiguous', reason: 'unreadable answer' } });
    expect(read(200, 'OK')).toEqual({ verdict: { action: 'ambiguous', reason: 'unreadable answer' } });
    for (const status of [200, 201, 202]) expect(read(status, '<html>')).toEqual(trouble(`HTTP ${status}`));
    expect(read(201, 'Sign in', { 'content-type': 'text/html' })).toEqual(trouble('HTTP 201'));
  });

  it.each([
    [301, trouble],
    [302, trouble],
    [307, trouble],
    [400, fail],
    [401, unclear],
    [403, mismatch],
    [404, mismatch],
    [405, fail],
    [408, trouble],
    [410, mismatch],
    [413, fail],
    [425, trouble],
    [500, trouble],
    [502, trouble],
    [503, trouble],
  ])('%i without a body', (status, expected) => {
    expect(read(status)).toEqual(expected(`HTTP ${status}`));
  });

  it('repeats 421 on another connection, then retries later', () => {
    expect(read(421)).toEqual({ ...trouble('HTTP 421'), retire: true, replay: 'again' });
  });

  it.each([302, 400, 401, 403, 404, 405, 408, 410, 425, 502])(
    'reads HTML with %i as the answer of a front end',
    (status) => {
      expect(read(status, '<html><title>Not Found')).toEqual(trouble(`HTTP ${status}`));
      expect(read(status, 'Not Found', { 'content-type': 'text/html' })).toEqual(trouble(`HTTP ${status}`));
    },
  );

  it.each([['Not Found'], ['{"message":"Not Found"}'], ['{"errno":777}'], ['{"reason":"NotFound"}']])(
    'a 404 or 410 with %j of unknown form is guarded',
    (body) => {
      for (const status of [404, 410])
        expect(read(status, body).verdict).toMatchObject({ action: 'dropDevice', certain: false });
    },
  );

  it('reads an answer with a cut body by its head', () => {
    const cut = (status: number, headers: Record<string, string> = {}) =>
      readWebPushOutcome({ kind: 'ambiguous', reason: 'time-out', head: { status, headers } }, NOW);
    expect(cut(201, { location: '/m/1' })).toEqual({ verdict: { action: 'accept' } });
    expect(cut(503)).toEqual(trouble('HTTP 503'));
    expect(cut(410)).toEqual(mismatch('HTTP 410'));
  });

  it('429 waits as Retry-After says, otherwise 30 s doubling to 10 min, for that host', () => {
    expect(read(429)).toEqual(after('HTTP 429', 30_000, 'host', 10 * MINUTE));
    expect(read(429, '', { 'retry-after': '90' })).toEqual(after('HTTP 429', 90_000, 'host'));
    const date = new Date(NOW + 60_000).toUTCString();
    expect(read(429, '', { 'retry-after': date })).toEqual(after('HTTP 429', 60_000, 'host'));
  });

  it('a 5xx waits as Retry-After says', () => {
    expect(read(503, '', { 'retry-after': '120' })).toEqual(after('HTTP 503', 120_000, 'host'));
  });

  it('maps a request without an answer to refused or ambiguous', () => {
    expect(readWebPushOutcome({ kind: 'ambiguous', reason: 'lost' }, NOW).verdict).toEqual({
      action: 'ambiguous',
      reason: 'lost',
    });
    expect(readWebPushOutcome({ kind: 'refused', reason: 'no' }, NOW).verdict.action).toBe('retryBackoff');
  });

  it.each([
    { reason: 'https://push.example/secret' },
    { errno: 'https://push.example/secret' },
    { message: 'https://push.example/secret' },
    'https://push.example/secret',
  ])('repeats nothing of the answer: %j', (body) => {
    const { verdict } = read(400, body, { 'x-wns-status': 'https://push.example/secret' });
    expect(verdict).toEqual({ action: 'fail', reason: 'HTTP 400' } satisfies Verdict);
  });
});

describe('Mozilla', () => {
  it.each([
    [400, 101, fail],
    [404, 102, dead],
    [410, 103, dead],
    [413, 104, fail],
    [410, 105, dead],
    [410, 106, dead],
    [400, 108, mismatch],
    [401, 109, unclear],
    [400, 110, fail],
    [400, 111, fail],
    [400, 112, fail],
    [400, 113, fail],
    [400, 114, fail],
    [503, 201, trouble],
    [502, 900, trouble],
    [502, 901, trouble],
    [502, 902, trouble],
    [502, 903, trouble],
    [500, 999, trouble],
    [400, 777, fail],
    [410, 777, mismatch],
  ])('%i errno %i', (status, errno, expected) => {
    expect(read(status, { code: status, errno, error: 'e' })).toEqual(expected(`HTTP ${status} errno ${errno}`));
  });

  it('503 errno 202 is repeated at once', () => {
    expect(read(503, { errno: 202 })).toEqual({ ...trouble('HTTP 503 errno 202'), replay: 'again' });
  });

  it('503 errno 201 obeys Retry-After', () => {
    expect(read(503, { errno: 201 }, { 'retry-after': '120' })).toEqual(after('HTTP 503 errno 201', 120_000, 'host'));
  });
});

describe('Apple', () => {
  it.each([
    [400, 'BadTtl', fail],
    [400, 'BadUrgency', fail],
    [400, 'BadWebPushTopic', fail],
    [400, 'BadWebPushRequest', fail],
    [400, 'VapidPkHashMismatch', mismatch],
    [400, 'BadAuthorizationHeader', stop],
    [403, 'BadJwtToken', stop],
    [403, 'BadVapidPublicKey', stop],
    [404, 'BadPath', dead],
    [410, 'Unregistered', dead],
    [410, 'ExpiredToken', dead],
    [410, 'SomethingNew', mismatch],
    [413, 'PayloadTooLarge', fail],
    [500, 'InternalServerError', trouble],
    [503, 'ServiceUnavailable', trouble],
    [403, 'SomethingNew', mismatch],
  ])('%i %s', (status, reason, expected) => {
    expect(read(status, { reason })).toEqual(expected(reason));
  });

  it('429 slows this subscription only', () => {
    expect(read(429, { reason: 'TooManyRequests' })).toEqual(after('TooManyRequests', MINUTE, 'device', 10 * MINUTE));
  });

  it('repeats 503 Shutdown on another connection', () => {
    expect(read(503, { reason: 'Shutdown' })).toEqual({ ...trouble('Shutdown'), retire: true, replay: 'again' });
  });
});

describe('Google', () => {
  it.each([
    [403, 'the VAPID credentials in the authorization header do not correspond to the credentials used', mismatch],
    [400, 'invalid JWT provided', unclear],
    [400, 'UnauthorizedRegistration', unclear],
    [400, 'a request that is malformed', fail],
    [404, 'A valid push subscription endpoint should be specified', dead],
    [410, 'push subscription has unsubscribed or expired.', dead],
    [410, '<HTML><HEAD><TITLE>NotRegistered</TITLE></HEAD>', dead],
  ])('%i %s', (status, text, expected) => {
    expect(read(status, text)).toEqual(expected(`HTTP ${status}`));
  });
});

it('reads Retry-After of 429 and 5xx', () => {
  expect(read(429, 'Too Many Requests', { 'retry-after': '90' })).toEqual(after('HTTP 429', 90_000, 'host'));
  expect(read(503, 'Backend Error', { 'retry-after': '90' })).toEqual(after('HTTP 503', 90_000, 'host'));
});

describe('Windows', () => {
  const windows = (status: number, word: string, more: Record<string, string> = {}) =>
    read(status, '', { 'x-wns-status': word, ...more });

  it('200 received is accepted, 200 dropped is accepted and dropped', () => {
    expect(windows(200, 'received')).toEqual({ verdict: { action: 'accept' } });
    expect(windows(201, 'dropped')).toEqual({ verdict: { action: 'acceptDropped', reason: 'dropped' } });
  });

  it('200 channelthrottled is retried', () => {
    expect(windows(200, 'channelthrottled')).toEqual(after('channelthrottled', 10 * MINUTE, 'device', 4 * HOUR));
  });

  it('406 slows that host for the time of Retry-After, otherwise for an hour', () => {
    expect(windows(406, 'dropped')).toEqual(after('HTTP 406 dropped', HOUR, 'host', 4 * HOUR));
    expect(windows(406, 'dropped', { 'retry-after': '60' })).toEqual(after('HTTP 406 dropped', 60_000, 'host'));
  });

  it.each([
    [400, fail],
    [403, mismatch],
    [404, dead],
    [410, dead],
    [413, fail],
  ])('%i', (status, expected) => {
    expect(windows(status, 'dropped')).toEqual(expected(`HTTP ${status} dropped`));
  });
});
