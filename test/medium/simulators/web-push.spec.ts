import { createECDH, createPrivateKey } from 'node:crypto';
import * as http2 from 'node:http2';
import { SignJWT } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { encryptMessage } from '../../../src/providers/web-push/web-push.encryption.js';
import { startSimulators, type RunningSimulators } from '../../simulators/client.js';
import type { Personality } from '../../simulators/web-push/personality.js';
import type { SubscriptionJson } from '../../simulators/web-push/subscriptions.js';
import { connect, now, send, type Outcome } from './h2-client.js';

function makePair() {
  const ecdh = createECDH('prime256v1');
  const point = ecdh.generateKeys();
  const [x, y] = [point.subarray(1, 33).toString('base64url'), point.subarray(33).toString('base64url')];
  const d = ecdh.getPrivateKey().toString('base64url');
  const key = createPrivateKey({ format: 'jwk', key: { kty: 'EC', crv: 'P-256', x, y, d } });
  return { key, publicKey: point.toString('base64url') };
}

describe('the Web Push simulator', () => {
  const pair = makePair();
  let simulators: RunningSimulators;
  let session: http2.ClientHttp2Session;

  beforeAll(async () => {
    simulators = await startSimulators();
    session = await connect(simulators.webPush.url, simulators.ca);
  });
  afterAll(async () => {
    session.destroy();
    await simulators.stop();
  });
  afterEach(() => simulators.admin.reset());

  const subscribe = async (personality: Personality, key?: string): Promise<SubscriptionJson> =>
    (await simulators.admin.createSubscriptions(personality, 1, key))[0]!;

  async function authorize(claims: Record<string, unknown> = {}, { key, publicKey } = pair): Promise<string> {
    const jwt = await new SignJWT({
      aud: simulators.webPush.url,
      exp: now() + 3_600,
      sub: 'mailto:a@b.example',
      ...claims,
    })
      .setProtectedHeader({ alg: 'ES256', typ: 'JWT' })
      .sign(key);
    return `vapid t=${jwt}, k=${publicKey}`;
  }

  /** A valid push with the changes of `change`; undefined leaves a header out. */
  async function push(
    { endpoint, keys }: SubscriptionJson,
    change: Record<string, string | undefined> = {},
    body?: Buffer,
  ): Promise<Outcome> {
    const headers: Record<string, string | undefined> = {
      ':path': endpoint.slice(simulators.webPush.url.length),
      ttl: '60',
      'content-encoding': 'aes128gcm',
      authorization: await authorize(),
      ...change,
    };
    const [key, auth] = [Buffer.from(keys.p256dh, 'base64url'), Buffer.from(keys.auth, 'base64url')];
    const given = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined));
    return send(session, given, body ?? encryptMessage(Buffer.from('{"nid":"m1","alert":"hi"}'), key, auth)!);
  }

  it.each(['mozilla', 'apple', 'google', 'wns'] as const)('%s accepts, decrypts and records', async (personality) => {
    const subscription = await subscribe(personality, pair.publicKey);
    const { status, headers } = await push(subscription, { topic: 'abcd', ttl: '9999999' });
    expect([status, headers.ttl]).toEqual([201, '2592000']);
    expect(headers.location).toContain(simulators.webPush.url);
    expect(await simulators.admin.lastAccepted('web-push')).toMatchObject([
      { token: subscription.endpoint, messageId: 'm1', collapseId: 'abcd', body: { nid: 'm1', alert: 'hi' } },
    ]);
  });

  it('keeps the last message of a topic', async () => {
    const subscription = await subscribe('google');
    for (const topic of ['a', 'b', 'a', undefined, undefined]) await push(subscription, { topic });
    const stored = await simulators.admin.storedMessages(subscription.endpoint);
    expect(stored.map(({ topic }) => topic)).toEqual(['b', 'a', '', '']);
  });

  it.each<[string, Record<string, string | undefined>, number, number]>([
    ['no TTL', { ttl: undefined }, 400, 111],
    ['a TTL that is not a number', { ttl: '-1' }, 400, 111],
    ['a topic too long', { topic: 'x'.repeat(33) }, 400, 113],
    ['a topic outside base64url', { topic: 'a+b' }, 400, 113],
    ['an unknown urgency', { urgency: 'urgent' }, 400, 0],
    ['the older encoding', { 'content-encoding': 'aesgcm' }, 400, 101],
    ['no authorization', { authorization: undefined }, 401, 109],
    ['another scheme', { authorization: 'Bearer x' }, 401, 109],
    ['another path', { ':path': '/wpush/v2/nobody' }, 404, 102],
  ])('mozilla refuses %s', async (_, change, status, errno) => {
    const outcome = await push(await subscribe('mozilla'), change);
    expect([outcome.status, outcome.json?.['errno']]).toEqual([status, errno]);
  });

  it.each<[string, Record<string, unknown>]>([
    ['another audience', { aud: 'https://push.example' }],
    ['a JWT for more than a day', { exp: now() + 90_000 }],
    ['an expired JWT', { exp: now() - 1 }],
    ['no subject', { sub: undefined }],
    ['a subject with a space', { sub: 'mailto: a@b.example' }],
  ])('apple refuses %s', async (_, claims) => {
    const outcome = await push(await subscribe('apple'), { authorization: await authorize(claims) });
    expect([outcome.status, outcome.json]).toEqual([403, { reason: 'BadJwtToken' }]);
  });

  it('refuses a signature of another key', async () => {
    const authorization = await authorize({}, { key: makePair().key, publicKey: pair.publicKey });
    expect((await push(await subscribe('google'), { authorization })).status).toBe(400);
  });

  it.each([
    ['mozilla', 401],
    ['apple', 400],
    ['google', 403],
    ['wns', 403],
  ] as const)('%s answers %i to the key of another application', async (personality, status) => {
    expect((await push(await subscribe(personality, makePair().publicKey))).status).toBe(status);
  });

  it('apple requires a topic that can be decoded', async () => {
    const subscription = await subscribe('apple');
    expect((await push(subscription, { topic: 'abcde' })).json).toEqual({ reason: 'BadWebPushTopic' });
    expect((await push(subscription, { topic: 'abcdef' })).status).toBe(201);
  });

  it('wns requires a cache policy beside a TTL of 0, and answers it in headers', async () => {
    const subscription = await subscribe('wns');
    const refused = await push(subscription, { ttl: '0' });
    expect([refused.status, refused.text]).toEqual([400, '']);
    expect(refused.headers['x-wns-error-description']).toBe('TTL conflicts with cache policy');
    expect((await push(subscription, { ttl: '0', 'x-wns-cache-policy': 'no-cache' })).status).toBe(201);
  });

  it('refuses a body that the browser could not read', async () => {
    const subscription = await subscribe('apple');
    const other = await subscribe('apple');
    const bytes = (text: string): Buffer => Buffer.from(text, 'base64url');
    const forOther = encryptMessage(Buffer.from('{}'), bytes(other.keys.p256dh), bytes(other.keys.auth))!;
    for (const body of [forOther, Buffer.alloc(200, 1), Buffer.from('hi')])
      expect((await push(subscription, {}, body)).json).toEqual({ reason: 'BadWebPushRequest' });
    expect((await push(subscription, {}, Buffer.alloc(4_097))).status).toBe(413);
  });

  it('a killed subscription is gone, and faults have the service’s form', async () => {
    const [mozilla, apple] = [await subscribe('mozilla'), await subscribe('apple')];
    await simulators.admin.killTokens('web-push', [mozilla.endpoint]);
    const gone = await push(mozilla);
    expect([gone.status, gone.json?.['errno'], gone.headers['cache-control']]).toEqual([410, 106, 'max-age=86400']);
    await simulators.admin.setFaults([
      { match: { provider: 'web-push' }, action: { status: 503, reason: 'Shutdown' } },
    ]);
    expect((await push(apple)).json).toEqual({ reason: 'Shutdown' });
    expect((await simulators.admin.counters()).webPush.answers).toMatchObject({ '410 gone': 1, '503 Shutdown': 1 });
  });

  it('limits the pushes to a subscription per minute', async () => {
    await simulators.admin.changeSettings({ webPush: { perTokenPerMinute: 1, retryAfterSeconds: 7 } });
    const [google, wns] = [await subscribe('google'), await subscribe('wns')];
    await push(google);
    await push(wns);
    const [late, lateToo] = [await push(google), await push(wns)];
    expect([late.status, late.headers['retry-after']]).toEqual([429, '7']);
    expect([lateToo.status, lateToo.headers['retry-after']]).toEqual([406, '7']);
  });
});
