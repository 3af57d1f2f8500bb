import { describe, expect, it } from 'vitest';
import type { PushResult } from '../../http2/push.js';
import { readFcmOutcome } from './fcm.outcome.js';

const NOW = Date.parse('2026-11-23T10:00:00Z');
const GOOGLE = 'type.googleapis.com/';

function answered(status: number, body: unknown = '', headers: Record<string, string> = {}): PushResult {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return { kind: 'answered', status, headers, body: Buffer.from(text), connection: 1 };
}

/** A failure in Google's form. */
function failure(code: number, status: string, details: unknown[] = [], message = 'words') {
  return { error: { code, message, status, details } };
}
const fcm = (errorCode: string) => ({ '@type': `${GOOGLE}google.firebase.fcm.v1.FcmError`, errorCode });
const badRequest = (...fields: string[]) => ({
  '@type': `${GOOGLE}google.rpc.BadRequest`,
  fieldViolations: fields.map((field) => ({ field, description: 'Invalid value: my secret text' })),
});
const quota = (subject: string, description = '') => ({
  '@type': `${GOOGLE}google.rpc.QuotaFailure`,
  violations: [{ subject, description }],
});
const retryInfo = (retryDelay: string) => ({ '@type': `${GOOGLE}google.rpc.RetryInfo`, retryDelay });

const read = (status: number, body?: unknown, headers?: Record<string, string>) =>
  readFcmOutcome(answered(status, body, headers), NOW);
const HOUR = 3_600_000;
const backoff = (reason: string, giveUpMs = HOUR) => ({
  verdict: { action: 'retryBackoff', reason, floorMs: 10_000, capMs: 300_000, giveUpMs },
});
const stop = (reason: string) => ({ verdict: { action: 'stopApplication', reason } });
const fail = (reason: string) => ({ verdict: { action: 'fail', reason } });
const drop = (reason: string, certain: boolean) => ({ verdict: { action: 'dropDevice', reason, certain } });
/** The wait of the answer. */
const after = (reason: string, afterMs: number, scope: string) => ({
  verdict: { action: 'retryAfter', reason, afterMs, scope, giveUpMs: HOUR },
});
/** A minute, doubling to ten. */
const slower = (reason: string, scope: string) => ({
  verdict: { action: 'retryAfter', reason, afterMs: 60_000, capMs: 600_000, scope, giveUpMs: HOUR },
});

describe('readFcmOutcome', () => {
  it('accepts 200 with the name of the message', () => {
    expect(read(200, { name: 'projects/p/messages/1' })).toEqual({ verdict: { action: 'accept' } });
  });

  it.each([[''], ['{}'], ['{"name":7}'], ['{"name":"projects/p"}'], ['{"name":"proj'], ['[]']])(
    'a 200 with %j is ambiguous',
    (body) => {
      expect(read(200, body)).toEqual({ verdict: { action: 'ambiguous', reason: 'unreadable answer' } });
    },
  );

  it('reads a 200 with HTML as the answer of a front end', () => {
    expect(read(200, '<!DOCTYPE html><title>Sign in')).toEqual(backoff('HTTP 200'));
    expect(read(200, 'Sign in', { 'content-type': 'text/html; charset=utf-8' })).toEqual(backoff('HTTP 200'));
  });

  it('reads an answer with a cut body by its head', () => {
    const cut = (status: number, type?: string): PushResult => {
      const headers: Record<string, string> = type === undefined ? {} : { 'content-type': type };
      return { kind: 'ambiguous', reason: 'time-out', head: { status, headers } };
    };
    const of = (result: PushResult) => readFcmOutcome(result, NOW);
    expect(of(cut(200, 'application/json; charset=UTF-8'))).toEqual({ verdict: { action: 'accept' } });
    const unclear = { verdict: { action: 'ambiguous', reason: 'no body after status 200' } };
    expect(of(cut(200, 'text/html'))).toEqual(unclear);
    expect(of(cut(200))).toEqual(unclear);
    expect(of(cut(503, 'application/json'))).toEqual(backoff('HTTP 503'));
    expect(of(cut(404, 'application/json'))).toEqual(backoff('HTTP 404'));
  });

  it.each([301, 302, 307, 308, 408, 421, 425])('retries %i like a 5xx', (status) => {
    expect(read(status)).toEqual(backoff(`HTTP ${status}`));
    expect(read(status, failure(status, 'SOMETHING_NEW'))).toEqual(backoff('SOMETHING_NEW'));
  });

  it.each([400, 403, 404, 405, 409])("reads %i without Google's form as the answer of a front end", (status) => {
    for (const body of ['', '<html>', '{"message":"Forbidden"}', '{"error":"forbidden"}'])
      expect(read(status, body)).toEqual(backoff(`HTTP ${status}`));
  });

  it('400 INVALID_ARGUMENT about the message fails it and names the field, not its value', () => {
    const body = failure(400, 'INVALID_ARGUMENT', [fcm('INVALID_ARGUMENT'), badRequest('message.android.ttl')]);
    expect(read(400, body)).toEqual(fail('INVALID_ARGUMENT message.android.ttl'));
    expect(read(400, failure(400, 'INVALID_ARGUMENT'))).toEqual(fail('INVALID_ARGUMENT'));
    expect(read(400, failure(400, 'INVALID_ARGUMENT', [badRequest('my secret text')]))).toEqual(
      fail('INVALID_ARGUMENT'),
    );
  });

  it.each(['message.token', 'message.fid'])(
    '400 INVALID_ARGUMENT about %s removes the device only if the guard permits it',
    (field) => {
      expect(read(400, failure(400, 'INVALID_ARGUMENT', [badRequest(field)]))).toEqual(drop('INVALID_ARGUMENT', false));
    },
  );

  it('400 INVALID_ARGUMENT about the token and another field does not remove the device', () => {
    const body = failure(400, 'INVALID_ARGUMENT', [badRequest('message.token', 'message.data')]);
    expect(read(400, body)).toEqual(fail('INVALID_ARGUMENT message.token'));
  });

  it.each([
    'The registration token is not a valid FCM registration token',
    'Invalid registration token: the registration token is invalid',
  ])('400 INVALID_ARGUMENT "%s" removes the device only if the guard permits it', (message) => {
    expect(read(400, failure(400, 'INVALID_ARGUMENT', [fcm('INVALID_ARGUMENT')], message))).toEqual(
      drop('INVALID_ARGUMENT', false),
    );
  });

  it('repeats 401 with another access token, then stops the application', () => {
    const renewed = { ...stop('UNAUTHENTICATED'), tokenRefused: true };
    expect(read(401, failure(401, 'UNAUTHENTICATED'))).toEqual(renewed);
    expect(read(401, { error: { code: 401 } })).toEqual({ ...stop('HTTP 401'), tokenRefused: true });
    // A front end answered: another token may help, and the application does not stop.
    expect(read(401, '')).toEqual({ ...backoff('HTTP 401'), tokenRefused: true });
  });

  it('401 THIRD_PARTY_AUTH_ERROR fails one device and does not stop the application', () => {
    const body = failure(401, 'UNAUTHENTICATED', [fcm('THIRD_PARTY_AUTH_ERROR')]);
    expect(read(401, body)).toEqual(fail('THIRD_PARTY_AUTH_ERROR'));
  });

  it("names Apple's reason if FCM passes it on, and no other text", () => {
    const apns = (reason: unknown) => ({
      '@type': `${GOOGLE}google.firebase.fcm.v1.ApnsError`,
      statusCode: 403,
      reason,
    });
    const refused = failure(401, 'UNAUTHENTICATED', [fcm('THIRD_PARTY_AUTH_ERROR'), apns('InvalidProviderToken')]);
    expect(read(401, refused)).toEqual(fail('THIRD_PARTY_AUTH_ERROR InvalidProviderToken'));
    const away = failure(503, 'UNAVAILABLE', [fcm('UNAVAILABLE'), apns('Shutdown')]);
    expect(read(503, away)).toEqual(backoff('UNAVAILABLE Shutdown'));
    const odd = failure(401, 'UNAUTHENTICATED', [fcm('THIRD_PARTY_AUTH_ERROR'), apns('my secret text')]);
    expect(read(401, odd)).toEqual(fail('THIRD_PARTY_AUTH_ERROR'));
  });

  it('403 SENDER_ID_MISMATCH removes the device only if the guard permits it', () => {
    const body = failure(403, 'PERMISSION_DENIED', [fcm('SENDER_ID_MISMATCH')]);
    expect(read(403, body)).toEqual(drop('SENDER_ID_MISMATCH', false));
  });

  it('403 PERMISSION_DENIED stops the application if another access token does not help', () => {
    expect(read(403, failure(403, 'PERMISSION_DENIED'))).toEqual({ ...stop('PERMISSION_DENIED'), tokenRefused: true });
  });

  it('404 UNREGISTERED removes the device', () => {
    expect(read(404, failure(404, 'NOT_FOUND', [fcm('UNREGISTERED')]))).toEqual(drop('UNREGISTERED', true));
  });

  it('404 without an FCM code stops the application and removes no device', () => {
    expect(read(404, failure(404, 'NOT_FOUND'))).toEqual({ ...stop('NOT_FOUND'), tokenRefused: true });
    expect(read(404, failure(404, 'UNREGISTERED'))).toEqual({ ...stop('HTTP 404'), tokenRefused: true });
  });

  it('413 fails the message', () => {
    expect(read(413)).toEqual(fail('HTTP 413'));
  });

  it.each([
    ['project', quota('project:123', 'Quota exceeded for messages per minute'), 'application'],
    ['device', quota('device:x', 'Message rate exceeded'), 'device'],
    ['device, in the description', quota('', 'Device message rate exceeded'), 'device'],
    ['topic', quota('topic:news', 'Topic rate exceeded'), 'application'],
  ])('429 for the quota of the %s slows it', (_whose, detail, scope) => {
    const body = failure(429, 'RESOURCE_EXHAUSTED', [fcm('QUOTA_EXCEEDED'), detail]);
    expect(read(429, body)).toEqual(slower('QUOTA_EXCEEDED', scope));
    expect(read(429, body, { 'retry-after': '90' })).toEqual(after('QUOTA_EXCEEDED', 90_000, scope));
    expect(read(429, body, { 'retry-after': '5' })).toEqual(after('QUOTA_EXCEEDED', 5_000, scope));
  });

  it('429 without details slows the application', () => {
    expect(read(429, failure(429, 'RESOURCE_EXHAUSTED'))).toEqual(slower('RESOURCE_EXHAUSTED', 'application'));
    expect(read(429, '')).toEqual(slower('HTTP 429', 'application'));
  });

  it('reads RetryInfo if there is no Retry-After', () => {
    const body = failure(429, 'RESOURCE_EXHAUSTED', [retryInfo('2.5s')]);
    expect(read(429, body)).toEqual(after('RESOURCE_EXHAUSTED', 2_500, 'application'));
    expect(read(429, body, { 'retry-after': '9' })).toEqual(after('RESOURCE_EXHAUSTED', 9_000, 'application'));
    const strange = failure(429, 'RESOURCE_EXHAUSTED', [retryInfo('soon')]);
    expect(read(429, strange)).toEqual(slower('RESOURCE_EXHAUSTED', 'application'));
  });

  it('retries 5xx after at least 10 s', () => {
    expect(read(500, failure(500, 'INTERNAL', [fcm('INTERNAL')]))).toEqual(backoff('INTERNAL'));
    expect(read(500, failure(500, 'INTERNAL'))).toEqual(backoff('INTERNAL'));
    expect(read(502, '<html>Bad Gateway</html>')).toEqual(backoff('HTTP 502'));
    expect(read(504, '')).toEqual(backoff('HTTP 504'));
    expect(read(503, failure(503, 'UNAVAILABLE', [fcm('UNAVAILABLE')]))).toEqual(backoff('UNAVAILABLE'));
    expect(read(503, '')).toEqual(backoff('HTTP 503'));
  });

  it('retries 503 after its Retry-After', () => {
    const body = failure(503, 'UNAVAILABLE', [fcm('UNAVAILABLE')]);
    expect(read(503, body, { 'retry-after': '30' })).toEqual(after('UNAVAILABLE', 30_000, 'application'));
    expect(read(503, '', { 'retry-after': 'Mon, 23 Nov 2026 10:00:30 GMT' })).toEqual(
      after('HTTP 503', 30_000, 'application'),
    );
  });

  it('retries UNSPECIFIED_ERROR for five minutes', () => {
    expect(read(400, failure(400, 'INVALID_ARGUMENT', [fcm('UNSPECIFIED_ERROR')]))).toEqual(
      backoff('UNSPECIFIED_ERROR', 300_000),
    );
  });

  it("prefers FCM's code over the status, and the status over HTTP", () => {
    expect(read(400, failure(400, 'INVALID_ARGUMENT', [fcm('UNREGISTERED')]))).toEqual(drop('UNREGISTERED', true));
    expect(read(500, failure(404, 'UNAVAILABLE'))).toEqual(backoff('UNAVAILABLE'));
  });

  it('an unknown code never removes a device', () => {
    expect(read(404, failure(404, 'NOT_FOUND', [fcm('SOMETHING_NEW')]))).toEqual(fail('SOMETHING_NEW'));
    expect(read(400, failure(400, 'SOMETHING_NEW'))).toEqual(fail('SOMETHING_NEW'));
    expect(read(503, failure(503, 'UNAVAILABLE', [fcm('SOMETHING_NEW')]))).toEqual(backoff('SOMETHING_NEW'));
    expect(read(429, failure(429, 'RESOURCE_EXHAUSTED', [fcm('SOMETHING_NEW')]))).toEqual(
      slower('SOMETHING_NEW', 'application'),
    );
    expect(read(401, failure(401, 'UNAUTHENTICATED', [fcm('SOMETHING_NEW')]))).toEqual({
      ...stop('SOMETHING_NEW'),
      tokenRefused: true,
    });
  });

  it('reads bodies of any shape without throwing', () => {
    const bodies = [{}, { error: 'x' }, { error: { details: 'x' } }, { error: { details: [null, 1, {}] } }];
    for (const body of bodies) expect(read(400, body)).toEqual(backoff('HTTP 400'));
    const odd = { error: { status: 'a text for people', details: [{ '@type': 7 }, { ...fcm('x'), errorCode: 7 }] } };
    expect(read(400, odd)).toEqual(backoff('HTTP 400'));
    expect(read(400, { error: { ...odd.error, code: 400 } })).toEqual(fail('HTTP 400'));
  });

  it('maps a request without an answer to refused or ambiguous', () => {
    expect(readFcmOutcome({ kind: 'refused', reason: 'goaway' }, NOW).verdict.action).toBe('retryBackoff');
    expect(readFcmOutcome({ kind: 'ambiguous', reason: 'lost' }, NOW).verdict.action).toBe('ambiguous');
  });
});
