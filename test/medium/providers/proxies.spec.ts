import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Clock } from '../../../src/common/clock.js';
import { readProxy, type Proxy } from '../../../src/common/proxy.js';
import type { Resolve } from '../../../src/common/public-address.js';
import { ApnsProvider } from '../../../src/providers/apns/apns.provider.js';
import { FcmProvider } from '../../../src/providers/fcm/fcm.provider.js';
import { HmsProvider } from '../../../src/providers/hms/hms.provider.js';
import type { Recipient, Sender, Verdict } from '../../../src/providers/provider.js';
import { UpstreamProvider } from '../../../src/providers/upstream/upstream.provider.js';
import { WebPushProvider } from '../../../src/providers/web-push/web-push.provider.js';
import { WnsProvider } from '../../../src/providers/wns/wns.provider.js';
import { WebhookClient } from '../../../src/webhooks/webhook-client.js';
import { MemoryShelf } from '../../harness/memory-shelf.js';
import {
  CREDENTIALS,
  PASSWORD,
  startConnectProxy,
  startSocksProxy,
  type OutgoingProxy,
} from '../../harness/outgoing-proxy.js';
import { isMissing, startMicrosocks, startForwardApache } from '../http2/real-peers.js';
import { testCertificate, testKey } from '../http2/test-certificate.js';
import { until } from '../http2/until.js';
import { senderStage } from './sender-stage.js';
import { collect, notification, recipients, tally } from './sending.js';

/** Each sender behind a proxy for outgoing connections, against the simulators. */

const stage = senderStage();
const open: { stop(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.stop();
});

const through = (url: string, direct: string[] = []): Proxy => readProxy(url, direct)!;

async function start(kind: 'http' | 'socks5', direct?: string[]): Promise<{ own: OutgoingProxy; proxy: Proxy }> {
  const own = await (kind === 'http' ? startConnectProxy() : startSocksProxy());
  open.push(own);
  return { own, proxy: through(`${kind}://${CREDENTIALS}@127.0.0.1:${own.port}`, direct) };
}

/** Closed before the proxy is. */
function kept(sender: Sender): Sender {
  open.push({ stop: () => sender.close() });
  return sender;
}

const UPSTREAM: Recipient[] = [{ token: '', platform: '', registeredAt: 0 }];
const message = { ...notification(), relay: { message: { alert: 'x' } } };

/** Opens the sender of a provider, and sends to so many of its devices. */
type Send = (proxy: Proxy, count: number) => Promise<Verdict[]>;

const numbered = (count: number, token: (index: number) => string): Recipient[] =>
  Array.from({ length: count }, (_, index) => ({ token: token(index), platform: 'G', registeredAt: 0 }));

const SENDS: Record<string, Send> = {
  APNs: (proxy, count) => {
    const { url } = stage.simulators.apns;
    const provider = new ApnsProvider({ productionUrl: url, sandboxUrl: url, ca: stage.simulators.ca, proxy });
    const settings = provider.parseSettings({ ...stage.simulators.credentials.apns });
    return sendTo(provider.open(settings, new MemoryShelf()), recipients(count));
  },
  FCM: (proxy, count) => {
    const { url } = stage.simulators.fcm;
    const provider = new FcmProvider({ url, ca: stage.simulators.ca, proxy });
    const settings = provider.parseSettings({ ...stage.simulators.credentials.fcm });
    return sendTo(
      provider.open(settings, new MemoryShelf()),
      numbered(count, (index) => `fcm-token-${index}`),
    );
  },
  WNS: (proxy, count) => {
    const { tokenUrl, url, channelHost, channelUrl } = stage.simulators.wns;
    const provider = new WnsProvider({ tokenUrl, entraUrl: url, channelHost, ca: stage.simulators.ca, proxy });
    const settings = provider.parseSettings(stage.simulators.credentials.wns.package);
    return sendTo(
      provider.open(settings, new MemoryShelf()),
      numbered(count, (index) => `${channelUrl}${index}`),
    );
  },
  HMS: (proxy, count) => {
    const provider = new HmsProvider({ ...stage.simulators.hms, ca: stage.simulators.ca, proxy });
    const settings = provider.parseSettings(stage.simulators.credentials.hms.oauth);
    return sendTo(
      provider.open(settings, new MemoryShelf()),
      numbered(count, (index) => `hms-token-${index}`),
    );
  },
  upstream: (proxy) => {
    const { url: baseUrl } = stage.simulators.mobilefirst;
    const provider = new UpstreamProvider({ ca: stage.simulators.ca, proxy });
    const settings = provider.parseSettings({ baseUrl, ...stage.simulators.credentials.mobilefirst });
    return sendTo(provider.open(settings, new MemoryShelf(), 'com.acme.bank'), UPSTREAM);
  },
  'Web Push': async (proxy, count) => {
    const made = await stage.simulators.admin.createSubscriptions('google', count);
    const provider = new WebPushProvider({ allowPrivate: true, ca: stage.simulators.ca, proxy });
    const to = made.map(({ endpoint, keys }) => ({
      token: JSON.stringify({ endpoint, userPublicKey: keys.p256dh, userAuth: keys.auth }),
      platform: 'WEB_CHROME',
      registeredAt: 0,
    }));
    return sendTo(provider.open(provider.parseSettings({ subject: 'mailto:push@example.com' })), to);
  },
};

function sendTo(sender: Sender, to: readonly Recipient[]): Promise<Verdict[]> {
  return collect(kept(sender), to, { message });
}

const actionsOf = (verdicts: Verdict[]) => tally(verdicts.map(({ action }) => ({ action }) as Verdict));

vi.setConfig({ testTimeout: 30_000 });

describe.each(['http', 'socks5'] as const)('through a proxy by %s', (kind) => {
  it.each(Object.entries(SENDS))('%s reaches its servers, by their names', async (name, send) => {
    const { own, proxy } = await start(kind);
    const verdicts = await send(proxy, 40);
    expect(actionsOf(verdicts)).toEqual({ accept: verdicts.length });
    expect(own.asked.length).toBeGreaterThan(0);
    // The hosts of these two are chosen by callers.
    if (!['Web Push', 'upstream'].includes(name))
      expect(own.asked.every((target) => target.startsWith('localhost:'))).toBe(true);
  });

  const faults = [
    [403, 'a refusal'],
    ['cut', 'an end after the answer'],
  ] as const;
  it.each(Object.entries(SENDS).flatMap(([name, send]) => faults.map(([fault, how]) => ({ name, send, fault, how }))))(
    '$name takes $how for trouble of the proxy',
    async ({ send, fault }) => {
      const { own, proxy } = await start(kind);
      own.fault = fault;
      const [verdict] = await send(proxy, 1);
      expect(verdict).toMatchObject({ action: 'retryBackoff' });
      expect((verdict as { reason: string }).reason).toContain(`proxy 127.0.0.1:${own.port} `);
      expect(JSON.stringify(verdict)).not.toContain(PASSWORD);
    },
  );

  it.each(['APNs', 'FCM', 'WNS'])('%s: wrong credentials, a proxy that is away', async (name) => {
    const { own, proxy } = await start(kind);
    const send = SENDS[name]!;
    const trouble = { action: 'retryBackoff', reason: expect.stringContaining(`proxy 127.0.0.1:`) as string };
    expect(await send({ ...proxy, password: 'wrong' }, 1)).toMatchObject([trouble]);
    expect(await send({ ...proxy, user: '' }, 1)).toMatchObject([trouble]);
    await own.stop();
    expect(await send(proxy, 1)).toMatchObject([trouble]);
    open.shift();
  });

  it('a silent proxy is named before the client gives up', async () => {
    const { own, proxy } = await start(kind);
    own.fault = 'silent';
    const reason = expect.stringContaining(`proxy 127.0.0.1:${own.port} did not answer in time`) as string;
    expect(await SENDS['FCM']!(proxy, 1)).toMatchObject([{ action: 'retryBackoff', reason }]);
  });

  it('a tunnel that the proxy ends while nothing is sent is opened again', async () => {
    const { own, proxy } = await start(kind);
    const { url } = stage.simulators.apns;
    const provider = new ApnsProvider({ productionUrl: url, sandboxUrl: url, ca: stage.simulators.ca, proxy });
    const settings = provider.parseSettings({ ...stage.simulators.credentials.apns });
    const sender = kept(provider.open(settings, new MemoryShelf()));
    expect(actionsOf(await collect(sender, recipients(10)))).toEqual({ accept: 10 });
    own.cutTunnels();
    await until('the end of the tunnel is noticed', () => sender.stats().connections === 0);
    expect(actionsOf(await collect(sender, recipients(10, 10)))).toEqual({ accept: 10 });
    expect(own.asked).toHaveLength(2);
  });

  it('hosts of NO_PROXY are reached directly', async () => {
    const { own, proxy } = await start(kind, ['.svc', '10.0.0.0/8', 'localhost']);
    own.fault = 403;
    expect(actionsOf(await SENDS['FCM']!(proxy, 3))).toEqual({ accept: 3 });
    expect(own.asked).toEqual([]);
  });
});

it('TLS is that of the server: a certificate of another name is refused', async () => {
  const { proxy } = await start('http');
  const productionUrl = stage.simulators.apns.url.replace('localhost', 'apns.example');
  const provider = new ApnsProvider({ productionUrl, sandboxUrl: productionUrl, ca: stage.simulators.ca, proxy });
  const settings = provider.parseSettings({ ...stage.simulators.credentials.apns });
  expect(await collect(kept(provider.open(settings, new MemoryShelf())), recipients(1))).toMatchObject([
    { action: 'retryBackoff', reason: expect.stringContaining('altnames') as string },
  ]);
});

describe('a host that a caller chose', () => {
  const PUBLIC = '93.184.215.14';
  const resolve: Resolve = () => Promise.resolve([{ address: PUBLIC, family: 4 }]);
  const inside: Resolve = () => Promise.resolve([{ address: '10.0.0.7', family: 4 }]);

  async function push(proxy: Proxy, endpoint: string, options: { resolve: Resolve; hosts?: string[] }) {
    const [made] = await stage.simulators.admin.createSubscriptions('google', 1);
    const token = { endpoint, userPublicKey: made!.keys.p256dh, userAuth: made!.keys.auth };
    const provider = new WebPushProvider({ ca: stage.simulators.ca, proxy, ...options });
    const sender = provider.open(provider.parseSettings({ subject: 'mailto:push@example.com' }));
    return sendTo(sender, [{ token: JSON.stringify(token), platform: 'WEB_CHROME', registeredAt: 0 }]);
  }

  it('is looked up here: the proxy gets the address that was checked, or is not asked', async () => {
    const { own, proxy } = await start('http');
    const { port } = new URL(stage.simulators.webPush.url);
    await push(proxy, `https://push.example:${port}/x`, { resolve });
    expect(own.asked).toEqual([`${PUBLIC}:${port}`]);
    const verdicts = await push(proxy, `https://push.example:${port}/x`, { resolve: inside });
    expect(verdicts).toEqual([{ action: 'fail', reason: 'the endpoint is not at a public address' }]);
    expect(own.asked).toHaveLength(1);
  });

  it('is resolved by the proxy if the operator has listed it', async () => {
    const { own, proxy } = await start('http');
    const { port } = new URL(stage.simulators.webPush.url);
    await push(proxy, `https://push.example:${port}/x`, { resolve: inside, hosts: [`push.example:${port}`] });
    expect(own.asked).toEqual([`push.example:${port}`]);
  });
});

it('a webhook goes through the proxy', async () => {
  const { own, proxy } = await start('http');
  const server = createServer({ cert: testCertificate, key: testKey }, (_request, response) => response.end());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const config = { webhooks: { allowPrivate: true }, providerCa: testCertificate, proxy };
  const client = new WebhookClient(config, new Clock());
  open.push({ stop: () => once(server.close(), 'close') }, { stop: () => client.onApplicationShutdown() });
  const { port } = server.address() as AddressInfo;
  const post = () => client.post(`https://localhost:${port}/hook`, ['hush'], { id: '1', body: '{}' });
  expect(await post()).toBe(null);
  expect(own.asked).toEqual([`127.0.0.1:${port}`]);
});

describe('real proxies', () => {
  it.skipIf(isMissing('apache2'))('Apache (mod_proxy_connect)', async () => {
    const peer = await startForwardApache('push', PASSWORD);
    open.push(peer);
    const proxy = through(peer.origin.replace('https://', `http://${CREDENTIALS}@`));
    for (const name of ['APNs', 'FCM', 'WNS']) expect(actionsOf(await SENDS[name]!(proxy, 40))).toEqual({ accept: 40 });
    expect(await SENDS['APNs']!({ ...proxy, password: 'wrong' }, 1)).toMatchObject([
      {
        action: 'retryBackoff',
        reason: expect.stringContaining(`proxy 127.0.0.1:${proxy.port} answered 407`) as string,
      },
    ]);
  });

  it.skipIf(isMissing('microsocks'))('microsocks', async () => {
    const peer = await startMicrosocks('push', PASSWORD);
    open.push(peer);
    const proxy = through(peer.origin.replace('https://', `socks5://${CREDENTIALS}@`));
    for (const name of ['APNs', 'FCM', 'WNS']) expect(actionsOf(await SENDS[name]!(proxy, 40))).toEqual({ accept: 40 });
    expect(await SENDS['APNs']!({ ...proxy, password: 'wrong' }, 1)).toMatchObject([{ action: 'retryBackoff' }]);
  });
});
