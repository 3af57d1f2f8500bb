import { describe, expect, it } from 'vitest';
import type { PushResult } from '../../http2/push.js';
import { readApnsOutcome } from './apns.outcome.js';

const REGISTERED_AT = 1_700_000_000_000;

const APNS_ID = { 'apns-id': '6f1c6b1e-5d39-4a6e-9d0c-0a4c9d0f4d3b' };

function answered(status: number, body: unknown = '', headers: Record<string, string> = APNS_ID): PushResult {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return { kind: 'answered', status, headers, body: Buffer.from(text), connection: 1 };
}

const read = (status: number, body?: unknown, headers?: Record<string, string>) =>
  readApnsOutcome(answered(status, body, headers), REGISTERED_AT);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const backoff = (reason: string) => ({
  action: 'retryBackoff',
  reason,
  firstMs: 5_000,
  floorMs: MINUTE,
  capMs: 15 * MINUTE,
  giveUpMs: 24 * HOUR,
});

describe('readApnsOutcome', () => {
  it('accepts 200 with an apns-id, even if its body is cut off', () => {
    expect(read(200)).toEqual({ verdict: { action: 'accept' } });
    const stalled: PushResult = { kind: 'ambiguous', reason: 'time-out', head: { status: 200, headers: APNS_ID } };
    expect(readApnsOutcome(stalled, REGISTERED_AT)).toEqual({ verdict: { action: 'accept' } });
  });

  it('does not accept a 200 without an apns-id', () => {
    expect(read(200, '<html>', {})).toEqual({ verdict: backoff('HTTP 200') });
    expect(read(200, '', { 'content-type': 'text/html' })).toEqual({ verdict: backoff('HTTP 200') });
    expect(read(200, '', {})).toEqual({ verdict: { action: 'ambiguous', reason: 'unreadable answer' } });
    expect(read(202)).toEqual({ verdict: { action: 'ambiguous', reason: 'unreadable answer' } });
  });

  it('reads a failure with a cut body by its status', () => {
    const cut = (status: number): PushResult => ({ kind: 'ambiguous', reason: 'x', head: { status, headers: {} } });
    expect(readApnsOutcome(cut(503), REGISTERED_AT)).toEqual({ verdict: backoff('HTTP 503') });
    expect(readApnsOutcome(cut(410), REGISTERED_AT)).toEqual({ verdict: backoff('HTTP 410') });
  });

  it.each([408, 425, 302, 307])('retries %i like a 5xx', (status) => {
    expect(read(status)).toEqual({ verdict: backoff(`HTTP ${status}`) });
    expect(read(status, { reason: 'SomethingNew' })).toEqual({ verdict: backoff('SomethingNew') });
  });

  it('repeats 421 on another connection, then retries later', () => {
    expect(read(421)).toEqual({ verdict: backoff('HTTP 421'), retire: true, replay: 'again' });
  });

  it.each([400, 401, 403, 404, 405, 410, 413])('reads %i without a reason as the answer of a front end', (status) => {
    for (const body of ['', '<html>', '{"message":"Forbidden"}'])
      expect(read(status, body)).toEqual({ verdict: backoff(`HTTP ${status}`) });
  });

  it.each([
    [400, 'BadCollapseId'],
    [400, 'BadExpirationDate'],
    [400, 'BadMessageId'],
    [400, 'BadPriority'],
    [400, 'DuplicateHeaders'],
    [400, 'InvalidPushType'],
    [400, 'PayloadEmpty'],
    [400, 'MissingDeviceToken'],
    [404, 'BadPath'],
    [405, 'MethodNotAllowed'],
    [413, 'PayloadTooLarge'],
  ])('%i %s fails the message', (status, reason) => {
    expect(read(status, { reason })).toEqual({ verdict: { action: 'fail', reason } });
  });

  it.each([
    ['InvalidProviderToken', 'either'],
    ['MissingProviderToken', 'either'],
    ['BadEnvironmentKeyInToken', 'again'],
    ['BadEnvironmentKeyIdInToken', 'again'],
    ['BadCertificate', 'again'],
    ['BadCertificateEnvironment', 'again'],
    ['Forbidden', 'again'],
  ])('repeats 403 %s on another connection (%s), then stops the application', (reason, replay) => {
    expect(read(403, { reason })).toEqual({ verdict: { action: 'stopApplication', reason }, retire: true, replay });
  });

  it.each(['MissingTopic', 'BadTopic', 'TopicDisallowed'])('400 %s stops the application if it repeats', (reason) => {
    expect(read(400, { reason })).toEqual({ verdict: { action: 'stopApplication', reason }, suspectTopic: true });
  });

  it.each(['BadDeviceToken', 'DeviceTokenNotForTopic'])(
    '400 %s removes the device only if the guard permits it',
    (reason) => {
      expect(read(400, { reason })).toEqual({ verdict: { action: 'dropDevice', reason, certain: false } });
    },
  );

  it.each([
    [400, 'IdleTimeout'],
    [503, 'Shutdown'],
  ])('repeats %i %s on another connection', (status, reason) => {
    expect(read(status, { reason })).toEqual({ verdict: backoff(reason), retire: true, replay: 'again' });
  });

  it('repeats 403 ExpiredProviderToken with a new JWT on another connection', () => {
    const reason = 'ExpiredProviderToken';
    const verdict = { action: 'stopApplication', reason };
    expect(read(403, { reason })).toEqual({ verdict, retire: true, replay: 'renewed' });
  });

  it('repeats 403 UnrelatedKeyIdInToken with the same JWT on another connection', () => {
    const reason = 'UnrelatedKeyIdInToken';
    const verdict = { action: 'stopApplication', reason };
    expect(read(403, { reason })).toEqual({ verdict, retire: true, replay: 'again' });
  });

  it.each(['Unregistered', 'ExpiredToken'])('410 %s removes a device that has not registered since', (reason) => {
    const dropped = { verdict: { action: 'dropDevice', reason, certain: true } };
    expect(read(410, { reason, timestamp: REGISTERED_AT + 1 })).toEqual(dropped);
    expect(read(410, { reason, timestamp: REGISTERED_AT })).toEqual(dropped);
  });

  it.each(['Unregistered', 'ExpiredToken'])('410 %s keeps a device that registered later', (reason) => {
    expect(read(410, { reason, timestamp: REGISTERED_AT - 1 })).toEqual({
      verdict: { action: 'retryBackoff', reason, floorMs: 60_000, capMs: 900_000 },
    });
  });

  it('410 without a timestamp removes the device only if the guard permits it', () => {
    const verdict = { action: 'dropDevice', reason: 'Unregistered', certain: false };
    expect(read(410, { reason: 'Unregistered' })).toEqual({ verdict });
    expect(read(410, { reason: 'Unregistered', timestamp: '1' })).toEqual({ verdict });
  });

  it('429 TooManyRequests slows the device for a minute, doubling to an hour', () => {
    const reason = 'TooManyRequests';
    expect(read(429, { reason })).toEqual({
      verdict: { action: 'retryAfter', reason, afterMs: MINUTE, capMs: HOUR, scope: 'device' },
    });
  });

  it('429 TooManyProviderTokenUpdates slows the application for 20 minutes and retires the connection', () => {
    const reason = 'TooManyProviderTokenUpdates';
    expect(read(429, { reason })).toEqual({
      verdict: { action: 'retryAfter', reason, afterMs: 1_200_000, scope: 'application' },
      retire: true,
    });
  });

  it.each([
    [500, 'InternalServerError'],
    [503, 'ServiceUnavailable'],
  ])('%i %s is retried', (status, reason) => {
    expect(read(status, { reason })).toEqual({ verdict: backoff(reason) });
  });

  it.each([
    [400, { reason: 'SomethingNew' }, { action: 'fail', reason: 'SomethingNew' }],
    [403, { reason: 'SomethingNew' }, { action: 'fail', reason: 'SomethingNew' }],
    [410, { reason: 'SomethingNew', timestamp: REGISTERED_AT + 1 }, { action: 'fail', reason: 'SomethingNew' }],
    [400, { reason: 'Unregistered', timestamp: REGISTERED_AT + 1 }, { action: 'fail', reason: 'Unregistered' }],
    [403, { reason: 'BadDeviceToken' }, { action: 'fail', reason: 'BadDeviceToken' }],
    [502, '<html>', backoff('HTTP 502')],
    [503, { reason: 'SomethingNew' }, backoff('SomethingNew')],
    [429, '', { action: 'retryAfter', reason: 'HTTP 429', afterMs: MINUTE, capMs: HOUR, scope: 'device' }],
  ])('the unknown pair %i %j never removes a device', (status, body, verdict) => {
    expect(read(status, body)).toEqual({ verdict });
  });

  it('never repeats a reason that is not one word of letters', () => {
    const token = 'ab12'.repeat(16);
    expect(read(400, { reason: token })).toEqual({ verdict: { action: 'fail', reason: 'HTTP 400' } });
    expect(read(400, { reason: 'a text for people' })).toEqual({ verdict: { action: 'fail', reason: 'HTTP 400' } });
  });

  it('maps a request without an answer to refused or ambiguous', () => {
    expect(readApnsOutcome({ kind: 'refused', reason: 'goaway' }, 0).verdict.action).toBe('retryBackoff');
    expect(readApnsOutcome({ kind: 'ambiguous', reason: 'lost' }, 0).verdict.action).toBe('ambiguous');
  });
});
