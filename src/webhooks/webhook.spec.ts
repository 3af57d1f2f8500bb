import { describe, expect, it } from 'vitest';
import { EVENT_NAMES } from '../events/event-types.js';
import { readEventTypes, readRetryAfter, refuseUrl, sign, standardHeaders, waitAfter } from './webhook.js';

describe('readEventTypes', () => {
  it('reads a list and drops duplicates', () => {
    expect(readEventTypes('onSubscribe')).toEqual(['onSubscribe']);
    expect(readEventTypes(' onDeviceRegister, onSubscribe,onDeviceRegister')).toEqual([
      'onDeviceRegister',
      'onSubscribe',
    ]);
  });

  it('reads groups of Carillon’s types, without those of MobileFirst', () => {
    expect(readEventTypes('provider.*,onSubscribe')).toEqual(['provider.paused', 'provider.resumed', 'onSubscribe']);
    expect(readEventTypes('*')).toEqual(EVENT_NAMES);
  });

  it.each([
    'on*',
    'mess*',
    '.*',
    'message',
    '',
    'onsubscribe',
    'onSubscribe,',
    'onSubscribe;onUnsubscribe',
    'onNotificationStatusChange',
    '__proto__',
  ])('refuses %j', (text) => expect(readEventTypes(text)).toHaveProperty('unknown'));
});

describe('refuseUrl', () => {
  it.each([
    ['https://hooks.example/a?b=c', false, null],
    ['https://hooks.example:8443/', false, null],
    ['http://hooks.example/', false, /https/],
    ['file:///etc/passwd', false, /https/],
    ['hooks.example', false, /https/],
    [`https://hooks.example/${'x'.repeat(2_048)}`, false, /2048/],
    ['https://me:secret@hooks.example/', false, /user or password/],
    ['https://127.0.0.1/', false, /public/],
    ['https://2130706433/', false, /public/],
    ['https://[::1]/', false, /public/],
    ['https://169.254.169.254/latest/meta-data', false, /public/],
    ['http://127.0.0.1:8080/', true, null],
    ['ftp://127.0.0.1/', true, /https/],
  ])('%s (private: %j): %s', (url, allowPrivate, reason) => {
    const refusal = refuseUrl(url, allowPrivate);
    if (reason === null) expect(refusal).toBeNull();
    else expect(refusal).toMatch(reason);
  });
});

it('doubles the wait from five seconds to a quarter of an hour', () => {
  expect([1, 2, 3, 8, 9, 100].map((failures) => waitAfter(failures, 1) / 1_000)).toEqual([5, 10, 20, 640, 900, 900]);
  expect(waitAfter(1, 0)).toBe(3_750);
});

it('signs time and body with HMAC-SHA256', () => {
  // printf '1764000000.{"a":1}' | openssl dgst -sha256 -hmac secret
  expect(sign(['secret'], '{"a":1}', 1_764_000_000_500)).toBe(
    't=1764000000,v1=112dc1736ad0328f094ebdad63c8bde5936ce7d0bb7ae467f9f8d481a26df51c',
  );
  expect(sign(['secret'], '{"a":1}', 1_764_000_000_500)).not.toBe(sign(['other'], '{"a":1}', 1_764_000_000_500));
  expect(sign(['secret'], '{"a":1}', 1_764_000_000_500)).not.toBe(sign(['secret'], '{"a":2}', 1_764_000_000_500));
});

it('signs with each secret, the newest first', () => {
  const [of, both] = [(secrets: string[]) => sign(secrets, '{}', 1_764_000_000_000), ['new', 'old']];
  expect(of(both)).toBe(`${of(['new'])},${of(['old']).split(',')[1]}`);
});

it('signs as Standard Webhooks say, with the key of each form of a secret', () => {
  const event = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', body: '{"test": 2432232314}' };
  const sign = (secret: string) => standardHeaders([secret], event, 1_614_265_330_000);
  // The example of the specification.
  expect(sign('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')).toEqual({
    'webhook-id': event.id,
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  });
  expect(sign('text')).toEqual(sign(`whsec_${Buffer.from('text').toString('base64')}`));
});

it.each([
  [undefined, 0],
  ['30', 30_000],
  ['86400', 900_000],
  ['Thu, 01 Jan 2026 00:01:00 GMT', 60_000],
  ['Wed, 31 Dec 2025 00:00:00 GMT', 0],
  ['soon', 0],
  ['-5', 0],
])('Retry-After %s: %i ms', (header, ms) => expect(readRetryAfter(header, Date.UTC(2026, 0, 1))).toBe(ms));
