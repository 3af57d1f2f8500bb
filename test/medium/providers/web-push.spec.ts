import { createECDH } from 'node:crypto';
import { createServer } from 'node:https';
import type { LookupAddress } from 'node:dns';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Recipient, Sender } from '../../../src/providers/provider.js';
import { guardedLookup } from '../../../src/common/public-address.js';
import type { Resolve } from '../../../src/common/public-address.js';
import { readEndpoint } from '../../../src/providers/web-push/web-push.endpoint.js';
import type { Endpoint } from '../../../src/providers/web-push/web-push.endpoint.js';
import { Origins } from '../../../src/providers/web-push/web-push.origins.js';
import { topicOf } from '../../../src/providers/web-push/web-push.payload.js';
import { WebPushProvider, type WebPushProviderOptions } from '../../../src/providers/web-push/web-push.provider.js';
import { startSimulators, type RunningSimulators } from '../../simulators/client.js';
import type { Personality } from '../../simulators/web-push/personality.js';
import type { SubscriptionJson } from '../../simulators/web-push/subscriptions.js';
import { testCertificate, testKey } from '../http2/test-certificate.js';
import { collect, notification, tally } from './sending.js';

const LOOPBACK: LookupAddress[] = [{ address: '127.0.0.1', family: 4 }];

function recipient(subscription: SubscriptionJson, platform = 'WEB_CHROME'): Recipient {
  const { endpoint, keys } = subscription;
  const token = JSON.stringify({ endpoint, userPublicKey: keys.p256dh, userAuth: keys.auth });
  return { token, platform, registeredAt: 0 };
}

describe('Web Push', () => {
  let simulators: RunningSimulators;
  const open: { close(): Promise<unknown> }[] = [];

  beforeAll(async () => {
    simulators = await startSimulators();
  });
  afterAll(() => simulators.stop());
  afterEach(async () => {
    for (const each of open.splice(0).reverse()) await each.close();
    await simulators.admin.reset();
  });

  function start(options: WebPushProviderOptions = {}): { sender: Sender; publicKey: string } {
    const provider = new WebPushProvider({ ca: simulators.ca, allowPrivate: true, ...options });
    const settings = provider.parseSettings({ subject: 'mailto:push@example.com' });
    const sender = provider.open(settings);
    open.push(sender);
    return { sender, publicKey: String(settings.visible.publicKey) };
  }

  async function subscribe(personality: Personality, count: number, key?: string, platform?: string) {
    const made = await simulators.admin.createSubscriptions(personality, count, key);
    return made.map((each) => recipient(each, platform));
  }

  it.each([
    ['mozilla', 'WEB_FIREFOX', true],
    ['google', 'WEB_CHROME', true],
    ['apple', 'WEB_SAFARI', true],
    // Windows gets HTTP/1.1 although the simulator has both: stream 0 in the ledger.
    ['wns', 'WEB_CHROME', false],
  ] as const)('reaches 120 browsers of %s, each with a readable message', async (personality, platform, http2) => {
    const { sender, publicKey } = start();
    const to = await subscribe(personality, 120, publicKey, platform);
    const message = {
      ...notification(),
      safariWeb: { title: 'S' },
      chromeWeb: { title: 'C' },
      firefoxWeb: { title: 'F' },
    };
    expect(tally(await collect(sender, to, { message }))).toEqual({ accept: 120 });

    expect(await simulators.admin.ledger('web-push', message.messageId)).toMatchObject({ distinct: 120, repeats: 0 });
    const [last] = await simulators.admin.lastAccepted('web-push', 1);
    expect(last!.body).toEqual({
      nid: message.messageId,
      alert: 'Grüße',
      title: { WEB_FIREFOX: 'F', WEB_CHROME: 'C', WEB_SAFARI: 'S' }[platform],
      payload: { tag: message.collapseId, nid: message.messageId },
    });
    expect(last!.headers).toMatchObject({ urgency: 'high', topic: topicOf(message.collapseId) });
    expect(Number(last!.headers['ttl'])).toBeGreaterThan(3_500);
    expect(last!.stream > 0).toBe(http2);
    expect((await simulators.admin.counters()).webPush.distinctJwts).toBe(1);
    expect(sender.stats().connections).toBeGreaterThan(0);
  });

  it('speaks HTTP/1.1 to an origin without HTTP/2, and asks it once', async () => {
    const seen: { headers: Record<string, unknown>; length: number }[] = [];
    let handshakes = 0;
    const server = createServer({ cert: testCertificate, key: testKey }, (request, response) => {
      let length = 0;
      request.on('data', (chunk: Buffer) => (length += chunk.length));
      request.on('end', () => {
        seen.push({ headers: request.headers, length });
        response.writeHead(201, { location: '/m/1' }).end();
      });
    });
    server.on('secureConnection', () => handshakes++);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    open.push({ close: () => new Promise((resolve) => server.close(resolve)) });
    const { sender } = start({ ca: testCertificate });
    const { keys } = (await simulators.admin.createSubscriptions('google', 1))[0]!;
    const endpoint = `https://localhost:${(server.address() as AddressInfo).port}/push/1`;
    const to = [recipient({ endpoint, keys, expirationTime: null })];
    for (let n = 0; n < 3; n++) expect(tally(await collect(sender, to))).toEqual({ accept: 1 });
    expect(seen).toHaveLength(3);
    expect(seen[0]!.headers).toMatchObject({ 'content-encoding': 'aes128gcm', 'content-length': `${seen[0]!.length}` });
    // One connection to ask, one for all three requests.
    expect(handshakes).toBe(2);
  });

  it('reports over HTTP/1.1 too whether anything was written', async () => {
    const { sender, publicKey } = start();
    const to = await subscribe('wns', 1, publicKey);
    await simulators.admin.setFaults([{ match: {}, action: { acceptThenCut: 'tcpReset' }, times: 1 }]);
    expect(await collect(sender, to)).toMatchObject([{ action: 'ambiguous' }]);
    expect(await simulators.admin.ledger('web-push')).toMatchObject({ accepted: 1 });
    await simulators.admin.changeSettings({ webPush: { acceptConnections: false } });
    await simulators.admin.commandConnections('tcpReset', { provider: 'web-push' });
    await expect.poll(async () => tally(await collect(sender, to))).toEqual({ 'retryBackoff ECONNREFUSED': 1 });
    expect(await simulators.admin.ledger('web-push')).toMatchObject({ accepted: 1 });
  });

  it.each(['mozilla', 'google', 'apple', 'wns'] as const)(
    '%s: dead and throttled subscriptions, and faults',
    async (personality) => {
      const { sender, publicKey } = start();
      const [gone, slow] = await subscribe(personality, 2, publicKey);
      const endpointOf = ({ token }: Recipient): string => (JSON.parse(token) as { endpoint: string }).endpoint;
      await simulators.admin.killTokens('web-push', [endpointOf(gone!)]);
      const nobody = { ...gone!, token: gone!.token.replace(/(https:[^"]*)"/, '$1x"') };
      const [dead, unknown] = await collect(sender, [gone!, nobody]);
      expect([dead, unknown]).toMatchObject([1, 2].map(() => ({ action: 'dropDevice', certain: true })));

      await simulators.admin.changeSettings({ webPush: { perTokenPerMinute: 1, retryAfterSeconds: 90 } });
      expect(await collect(sender, [slow!])).toMatchObject([{ action: 'accept' }]);
      const afterMs = personality === 'apple' ? 60_000 : 90_000;
      expect(await collect(sender, [slow!])).toMatchObject([{ action: 'retryAfter', afterMs }]);
    },
  );

  it("limits the retries to the caller's time to live on each browser", async () => {
    const { sender, publicKey } = start();
    const [one] = await subscribe('apple', 1, publicKey);
    await simulators.admin.changeSettings({ webPush: { perTokenPerMinute: 1 } });
    const message = { ...notification(), chromeWeb: { timeToLive: 0 }, firefoxWeb: { timeToLive: 60 } };
    const firefox = { ...one!, platform: 'WEB_FIREFOX' };
    expect(await collect(sender, [one!], { message })).toMatchObject([{ action: 'accept' }]);
    expect(await collect(sender, [one!, firefox], { message })).toMatchObject([{ lifeMs: 0 }, { lifeMs: 60_000 }]);
  });

  it('recognises subscriptions of another key after its own key was accepted', async () => {
    const { sender, publicKey } = start();
    const other = createECDH('prime256v1').generateKeys('base64url');
    const [own] = await subscribe('mozilla', 1, publicKey);
    const foreign = await subscribe('mozilla', 5, other);
    expect(await collect(sender, [own!])).toMatchObject([{ action: 'accept' }]);
    const verdicts = await collect(sender, foreign);
    expect(tally(verdicts)).toEqual({ 'dropDevice HTTP 401 errno 109': 5 });
    expect(verdicts).toMatchObject(foreign.map(() => ({ certain: false })));
  });

  it('leaves an origin alone that refuses the key repeatedly, and removes nothing', async () => {
    const { sender } = start();
    const foreign = await subscribe('mozilla', 600, createECDH('prime256v1').generateKeys('base64url'));
    const verdicts = await collect(sender, foreign);
    expect([...new Set(verdicts.map(({ action }) => action))].sort()).toEqual(['held', 'retryBackoff']);
    expect(verdicts.find(({ action }) => action === 'held')).toMatchObject({
      reason: expect.stringMatching(/^localhost:\d+ is left alone: HTTP 401 errno 109$/) as unknown,
    });
  });

  /** The same browsers at another name of the simulator, which refuses our JWTs. */
  const elsewhere = (to: readonly Recipient[]): Recipient[] =>
    to.map((each) => ({ ...each, token: each.token.replace('https://localhost', 'https://127.0.0.1') }));

  it.each([
    ['apple', 403, 'BadJwtToken'],
    ['apple', 403, 'BadVapidPublicKey'],
    ['apple', 400, 'BadAuthorizationHeader'],
    ['mozilla', 401, '109'],
    ['wns', 406, 'Throttle limit exceeded'],
    ['google', 429, 'Too Many Requests'],
  ] as const)('%s %i %s of one origin stops nothing at other origins', async (personality, status, reason) => {
    const { sender, publicKey } = start();
    const own = await subscribe('google', 60, publicKey);
    const evil = await subscribe(personality, 60, publicKey);
    const faults = evil.map(({ token }) => {
      const { pathname, search } = new URL((JSON.parse(token) as { endpoint: string }).endpoint);
      return { match: { path: pathname + search }, action: { status, reason } };
    });
    await simulators.admin.setFaults(faults);
    // Mixed, so that one side continues while the other is answered.
    const to = own.flatMap((each, index) => [elsewhere([evil[index]!])[0]!, each]);
    const verdicts = await collect(sender, to);
    const ofOwn = verdicts.filter((_verdict, index) => index % 2 === 1);
    expect(ofOwn.map(({ action }) => action)).toEqual(own.map(() => 'accept'));
    expect(verdicts.filter(({ action }) => action === 'stopApplication' || action === 'notSent')).toEqual([]);
  });

  it('stops if several origins refuse the key and none accepts', async () => {
    const { sender } = start();
    const foreign = await subscribe('mozilla', 20, createECDH('prime256v1').generateKeys('base64url'));
    const to = foreign.flatMap((each) => [each, ...elsewhere([each])]);
    const stopped = (await collect(sender, to)).find(({ action }) => action === 'stopApplication');
    expect(stopped).toMatchObject({
      reason: expect.stringMatching(/HTTP 401 errno 109; refused by .*localhost/) as unknown,
    });
  });

  it.each([404, 410])('HTML with %i in front of a service removes no registration', async (status) => {
    const { sender, publicKey } = start();
    const to = await subscribe('mozilla', 30, publicKey);
    expect(tally(await collect(sender, to))).toEqual({ accept: 30 });
    await simulators.admin.setFaults([{ match: {}, action: { status, spoil: 'notJson' } }]);
    const page = await collect(sender, to);
    for (const { action } of page) expect(['retryBackoff', 'held']).toContain(action);
    await simulators.admin.setFaults([{ match: {}, action: { status, body: '' } }]);
    // The breaker lets one delivery through at times.
    for (const verdict of await collect(start().sender, to))
      expect(verdict).not.toMatchObject({ action: 'dropDevice', certain: true });
  });

  it('removes a device with an unusable token only if the guard permits it, and continues', async () => {
    const { sender } = start();
    const [good] = await subscribe('google', 1);
    const change = (over: object): Recipient => ({
      ...good!,
      token: JSON.stringify({ ...(JSON.parse(good!.token) as object), ...over }),
    });
    const off = Buffer.alloc(65, 4).toString('base64url');
    const to = [
      { ...good!, token: 'x' },
      change({ endpoint: 'http://push.example/1' }),
      change({ userPublicKey: off }),
      good!,
    ];
    expect(tally(await collect(sender, to))).toEqual({
      'dropDevice the token is no subscription': 1,
      'dropDevice the endpoint must be an https URL': 1,
      'dropDevice userPublicKey is not on the curve': 1,
      accept: 1,
    });
  });

  it('never connects to an address that is not public, whatever the name resolves to', async () => {
    const asked: string[] = [];
    const resolve: Resolve = (hostname) => {
      asked.push(hostname);
      return Promise.resolve(LOOPBACK);
    };
    const { sender } = start({ allowPrivate: false, resolve });
    const named = (device: Recipient | undefined): Recipient => ({
      ...device!,
      token: device!.token.replaceAll('localhost', 'push.example'),
    });
    const [one] = (await subscribe('google', 1)).map(named);
    const [windows] = (await subscribe('wns', 1)).map(named);
    const before = (await simulators.admin.counters()).webPush.connectionsOpened;
    expect(tally(await collect(sender, [one!]))).toEqual({ 'fail the endpoint is not at a public address': 1 });
    expect(tally(await collect(sender, [windows!]))).toEqual({ 'fail the endpoint is not at a public address': 1 });
    expect(asked).toEqual(['push.example', 'push.example']);
    expect((await simulators.admin.counters()).webPush.connectionsOpened).toBe(before);
  });

  it('checks the address of every connection over HTTP/1.1, not only of the first', async () => {
    let asked = 0;
    const resolve: Resolve = () =>
      asked++ === 0 ? Promise.resolve(LOOPBACK) : Promise.reject(Object.assign(new Error(), { code: 'ENOTPUBLIC' }));
    const { sender, publicKey } = start({ resolve });
    const to = await subscribe('wns', 1, publicKey);
    expect(tally(await collect(sender, to))).toEqual({ 'retryBackoff ENOTPUBLIC': 1 });
    expect(asked).toBe(2);
  });

  it('connects to the resolved address and checks the certificate for the name', async () => {
    const resolve: Resolve = () => Promise.resolve(LOOPBACK);
    const { sender } = start({ resolve });
    const [one] = await subscribe('google', 1);
    const renamed = { ...one!, token: one!.token.replace('//localhost', '//push.example') };
    // The socket reached the simulator, whose certificate is not for push.example.
    expect(tally(await collect(sender, [renamed]))).toEqual({ 'retryBackoff ERR_TLS_CERT_ALTNAME_INVALID': 1 });
  });

  it('reports every recipient if it is closed meanwhile, and opens nothing more', async () => {
    const { sender } = start();
    const to = await subscribe('google', 800);
    const sent = collect(sender, to);
    await sender.close();
    const verdicts = await sent;
    expect(verdicts).toHaveLength(800);
    const accepted = verdicts.filter(({ action }) => action === 'accept').length;
    expect(await simulators.admin.ledger('web-push')).toMatchObject({ accepted });
    expect(sender.stats().connections).toBe(0);
    expect(tally(await collect(sender, to.slice(0, 1)))).toEqual({ 'retryBackoff the sender is closed': 1 });
  });

  it('limits the open origins, and closes the one unused for longest', async () => {
    const origins = new Origins({ tunnel: undefined, ca: simulators.ca, lookup: guardedLookup(true), limit: 1 });
    open.push(origins);
    const { port } = new URL(simulators.webPush.url);
    const [one, other] = ['localhost', '127.0.0.1'].map(
      (host) => readEndpoint(`https://${host}:${port}/`, { allowPrivate: true, hosts: [] }) as Endpoint,
    );
    const verdict = await origins.with(one!, () => origins.with(other!, () => Promise.resolve({ action: 'accept' })));
    expect(verdict).toMatchObject({
      action: 'retryBackoff',
      reason: expect.stringContaining('more origins') as string,
    });
    expect(await origins.with(other!, () => Promise.resolve({ action: 'accept' }))).toEqual({ action: 'accept' });
    expect(await origins.with(one!, () => Promise.resolve({ action: 'accept' }))).toEqual({ action: 'accept' });
  });

  it('sends nothing after an abort', async () => {
    const { sender } = start();
    const to = await subscribe('google', 3);
    expect(tally(await collect(sender, to, { signal: AbortSignal.abort() }))).toEqual({ notSent: 3 });
    expect(await simulators.admin.ledger('web-push')).toMatchObject({ accepted: 0 });
  });
});
