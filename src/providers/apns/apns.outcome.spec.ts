import { describe, expect, it } from 'vitest';
import type { PushResult } from '../../http2/push.js';
import { readApnsOutcome } from './apns.outcome.js';

const REGISTERED_AT = 1_700_000_000_000;

function answered(status: number, body: unknown = ''): PushResult {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return { kind: 'answered', status, headers: {}, body: Buffer.from(text), connection: 1 };
}

const read = (status: number, body?: unknown) => readApnsOutcome(answered(status, body), REGISTERED_AT);
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
  it('accepts 200', () => {
    expect(read(200)).toEqual({ verdict: { action: 'accept' } });
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
  ])('%i %s fails this message', (status, reason) => {
    expect(read(status, { reason })).toEqual({ verdict: { action: 'fail', reason } });
  });

  it.each([
    [403, 'InvalidProviderToken'],
    [403, 'MissingProviderToken'],
    [403, 'BadEnvironmentKeyInToken'],
    [403, 'BadEnvironmentKeyIdInToken'],
    [403, 'BadCertificate'],
    [403, 'BadCertificateEnvironment'],
    [403, 'Forbidden'],
  ])('%i %s stops the application', (status, reason) => {
    expect(read(status, { reason })).toEqual({ verdict: { action: 'stopApplication', reason } });
  });

  it.each(['MissingTopic', 'BadTopic', 'TopicDisallowed'])('400 %s stops the application when it repeats', (reason) => {
    expect(read(400, { reason })).toEqual({ verdict: { action: 'stopApplication', reason }, suspectTopic: true });
  });

  it.each(['BadDeviceToken', 'DeviceTokenNotForTopic'])('400 %s drops the device under guard', (reason) => {
    expect(read(400, { reason })).toEqual({ verdict: { action: 'dropDevice', reason, certain: false } });
  });

  it.each([
    [400, 'IdleTimeout'],
    [503, 'Shutdown'],
  ])('%i %s is replayed on another connection', (status, reason) => {
    expect(read(status, { reason })).toEqual({ verdict: backoff(reason), retire: true, replay: 'again' });
  });

  it('403 ExpiredProviderToken is replayed with a new JWT on another connection', () => {
    const reason = 'ExpiredProviderToken';
    const verdict = { action: 'stopApplication', reason };
    expect(read(403, { reason })).toEqual({ verdict, retire: true, replay: 'renewed' });
  });

  it('403 UnrelatedKeyIdInToken is replayed with the same JWT on another connection', () => {
    const reason = 'UnrelatedKeyIdInToken';
    const verdict = { action: 'stopApplication', reason };
    expect(read(403, { reason })).toEqual({ verdict, retire: true, replay: 'again' });
  });

  it.each(['Unregistered', 'ExpiredToken'])('410 %s drops a device that has not registered since', (reason) => {
    const dropped = { verdict: { action: 'dropDevice', reason, certain: true } };
    expect(read(410, { reason, timestamp: REGISTERED_AT + 1 })).toEqual(dropped);
    expect(read(410, { reason, timestamp: REGISTERED_AT })).toEqual(dropped);
  });

  it.each(['Unregistered', 'ExpiredToken'])('410 %s keeps a device that registered later', (reason) => {
    expect(read(410, { reason, timestamp: REGISTERED_AT - 1 })).toEqual({
      verdict: { action: 'retryBackoff', reason, floorMs: 60_000, capMs: 900_000 },
    });
  });

  it('410 without a timestamp drops under guard only', () => {
    const verdict = { action: 'dropDevice', reason: 'Unregistered', certain: false };
    expect(read(410, { reason: 'Unregistered' })).toEqual({ verdict });
    expect(read(410, { reason: 'Unregistered', timestamp: '1' })).toEqual({ verdict });
  });

  it('429 TooManyRequests slows this device for a minute, doubling to an hour', () => {
    const reason = 'TooManyRequests';
    expect(read(429, { reason })).toEqual({
      verdict: { action: 'retryAfter', reason, afterMs: MINUTE, capMs: HOUR, scope: 'device' },
    });
  });

  it('429 TooManyProviderTokenUpdates slows the application for 20 minutes and gives the connection up', () => {
    const reason = 'TooManyProviderTokenUpdates';
    expect(read(429, { reason })).toEqual({
      verdict: { action: 'retryAfter', reason, afterMs: 1_200_000, scope: 'application' },
      retire: true,
    });
  });

  it.each([
    [500, 'InternalServerError'],
    [503, 'ServiceUnavailable'],
  ])('%i %s is sent later', (status, reason) => {
    expect(read(status, { reason })).toEqual({ verdict: backoff(reason) });
  });

  it.each([
    [400, { reason: 'SomethingNew' }, { action: 'fail', reason: 'SomethingNew' }],
    [403, { reason: 'SomethingNew' }, { action: 'fail', reason: 'SomethingNew' }],
    [410, { reason: 'SomethingNew', timestamp: REGISTERED_AT + 1 }, { action: 'fail', reason: 'SomethingNew' }],
    [400, { reason: 'Unregistered', timestamp: REGISTERED_AT + 1 }, { action: 'fail', reason: 'Unregistered' }],
    [403, { reason: 'BadDeviceToken' }, { action: 'fail', reason: 'BadDeviceToken' }],
    [410, '', { action: 'fail', reason: 'HTTP 410' }],
    [400, '<html>', { action: 'fail', reason: 'HTTP 400' }],
    [302, '', { action: 'fail', reason: 'HTTP 302' }],
    [502, '<html>', backoff('HTTP 502')],
    [503, { reason: 'SomethingNew' }, backoff('SomethingNew')],
    [429, '', { action: 'retryAfter', reason: 'HTTP 429', afterMs: MINUTE, capMs: HOUR, scope: 'device' }],
  ])('%i %j, which the table does not have, never costs a device', (status, body, verdict) => {
    expect(read(status, body)).toEqual({ verdict });
  });

  it('keeps a reason that is no word out of the verdict', () => {
    const token = 'ab12'.repeat(16);
    expect(read(400, { reason: token })).toEqual({ verdict: { action: 'fail', reason: 'HTTP 400' } });
    expect(read(400, { reason: 'a text for people' })).toEqual({ verdict: { action: 'fail', reason: 'HTTP 400' } });
  });

  it('passes on what got no answer', () => {
    expect(readApnsOutcome({ kind: 'refused', reason: 'goaway' }, 0).verdict.action).toBe('retryBackoff');
    expect(readApnsOutcome({ kind: 'ambiguous', reason: 'lost' }, 0).verdict.action).toBe('ambiguous');
  });
});
