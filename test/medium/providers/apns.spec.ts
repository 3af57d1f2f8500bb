import { generateKeyPairSync } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ApnsProvider } from '../../../src/providers/apns/apns.provider.js';
import type { Sender } from '../../../src/providers/provider.js';
import { MemoryShelf } from '../../harness/memory-shelf.js';
import { type Answer, type Push, PushPeer } from './push-peer.js';
import { collect, notification, recipients, tally } from './sending.js';

const KEY = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' });
const INPUT = { key: KEY, keyId: 'KEY1234567', teamId: 'TEAM123456', bundleId: 'com.example.app' };
const OK: Answer = { status: 200 };
const refusal = (status: number, reason: string): Answer => ({ status, body: { reason } });
const EXPIRED = refusal(403, 'ExpiredProviderToken');

describe('APNs', () => {
  const open: { close(): Promise<void> }[] = [];

  beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }));
  afterEach(async () => {
    vi.useRealTimers();
    for (const each of open.splice(0).reverse()) await each.close();
  });

  async function start(answer: (push: Push) => Answer | undefined | Promise<Answer | undefined>, streams?: number) {
    const peer = await PushPeer.start(answer, streams);
    open.push(peer);
    const provider = new ApnsProvider({ productionUrl: peer.url, sandboxUrl: 'https://127.0.0.1:1', ca: peer.ca });
    const openSender = (bundleId = INPUT.bundleId): Sender => {
      const sender = provider.open(provider.parseSettings({ ...INPUT, bundleId }), new MemoryShelf());
      open.push(sender);
      return sender;
    };
    return { peer, provider, openSender, sender: openSender() };
  }

  it('posts one body to each device with the headers of the notification', async () => {
    const { peer, sender } = await start(() => OK);
    expect(tally(await collect(sender, recipients(40)))).toEqual({ accept: 40 });
    expect(peer.pushes.map(({ path }) => path).sort()).toEqual(
      recipients(40)
        .map(({ token }) => `/3/device/${token}`)
        .sort(),
    );
    const { headers, body } = peer.pushes[7]!;
    expect(headers).toMatchObject({
      ':method': 'POST',
      authorization: expect.stringMatching(/^bearer [\w-]+\.[\w-]+\.[\w-]+$/),
      'apns-topic': 'com.example.app',
      'apns-push-type': 'alert',
      'apns-priority': '10',
      'apns-expiration': expect.stringMatching(/^\d{10}$/),
      'apns-collapse-id': 'fnDWK8bG',
    });
    expect(JSON.parse(body)).toEqual({ aps: { alert: { body: 'Grüße' } }, payload: '{"nid":"fnDWK8bG"}' });
    expect(peer.seen('authorization')).toHaveLength(1);
    expect(peer.seen('apns-id')).toHaveLength(40);
  });

  it('writes the headers of the notification once per connection', async () => {
    const { peer, sender } = await start(() => OK);
    await collect(sender, recipients(1));
    const before = peer.sessions[0]!.socket.bytesRead;
    await collect(sender, recipients(400));
    const each = (peer.sessions[0]!.socket.bytesRead - before) / 400;
    const { headers, body } = peer.pushes[0]!;
    // Written in full each time: the JWT (as Apple asks), the path, the apns-id and the body. Frames, table references
    // and TLS share the remaining 60 bytes; the other headers alone have 120.
    const own = `${headers.authorization}${headers[':path']}${headers['apns-id']}`.length + Buffer.byteLength(body);
    expect(each).toBeLessThan(own + 60);
  });

  it('gives a delivery the same apns-id for every attempt', async () => {
    const { peer, sender } = await start(() => OK);
    await collect(sender, recipients(2));
    await collect(sender, recipients(2));
    expect(peer.seen('apns-id')).toHaveLength(2);
    await collect(sender, recipients(2), { message: notification('other') });
    expect(peer.seen('apns-id')).toHaveLength(4);
  });

  it('never writes a token that is not hex', async () => {
    const { peer, sender } = await start(() => OK);
    const strange = ['../../1/apps', 'a b', '', 'zz'].map((token) => ({ token, platform: 'A', registeredAt: 0 }));
    expect(tally(await collect(sender, strange))).toEqual({ 'dropDevice TokenNotHex': 4 });
    expect(peer.pushes).toEqual([]);
  });

  it('replaces an expired JWT once for all deliveries, with every connection that used it', async () => {
    let expired: string | undefined;
    const tainted = new Set<number>();
    const { peer, sender } = await start(({ headers, session }) => {
      // Apple refuses every later push on a connection that carried the expired JWT.
      if (headers.authorization === expired) tainted.add(session);
      return tainted.has(session) ? EXPIRED : OK;
    }, 50);
    await collect(sender, recipients(300));
    expired = peer.seen('authorization')[0];
    vi.setSystemTime(Date.now() + 20 * 60_000);
    const before = peer.sessions.length;
    expect(tally(await collect(sender, recipients(800)))).toEqual({ accept: 800 });
    expect(peer.seen('authorization')).toHaveLength(2);
    expect(peer.sessions.length).toBeGreaterThan(before);
  });

  it('tries a JWT that is too young to be expired once more, on new connections', async () => {
    const { peer, sender } = await start(({ session }) => (session === 0 ? EXPIRED : OK));
    expect(tally(await collect(sender, recipients(300)))).toEqual({ accept: 300 });
    expect(peer.seen('authorization')).toHaveLength(1);
  });

  it.each([
    ['a new JWT', 20, 2],
    ['a young JWT', 0, 1],
  ])('stops if %s is called expired on new connections too, and writes no more', async (_what, age, jwts) => {
    let answer = OK;
    const { peer, sender } = await start(() => answer);
    await collect(sender, recipients(1));
    vi.setSystemTime(Date.now() + age * 60_000);
    answer = EXPIRED;
    const { 'retryBackoff ExpiredProviderToken': doubted, ...verdicts } = tally(
      await collect(sender, recipients(2_000)),
    );
    // The JWT was accepted before: two refusals count as a fault of Apple's, the third is believed.
    expect(doubted).toBe(2);
    expect(Object.keys(verdicts).sort()).toEqual(['notSent', 'stopApplication ExpiredProviderToken']);
    expect(verdicts.notSent).toBeGreaterThanOrEqual(1_500);
    expect(peer.seen('authorization')).toHaveLength(jwts);
    const sent = peer.pushes.length;
    expect(sent).toBeLessThanOrEqual(1_000);

    // A second call does not sign another JWT.
    await collect(sender, recipients(3));
    expect(peer.seen('authorization')).toHaveLength(jwts);
  });

  it.each(['InvalidProviderToken', 'MissingProviderToken', 'BadEnvironmentKeyInToken', 'BadCertificate', 'Forbidden'])(
    '403 %s at times stops nothing, and every message arrives',
    async (reason) => {
      let count = 0;
      const { sender } = await start(() => (++count % 50 === 1 ? refusal(403, reason) : OK));
      expect(tally(await collect(sender, recipients(300)))).toEqual({ accept: 300 });
    },
  );

  it('repeats on another connection with the same JWT if keys were mixed on one', async () => {
    const { peer, sender } = await start(({ session }) => (session === 0 ? refusal(403, 'UnrelatedKeyIdInToken') : OK));
    expect(tally(await collect(sender, recipients(30)))).toEqual({ accept: 30 });
    expect(peer.seen('authorization')).toHaveLength(1);
  });

  it('stops if another connection does not help', async () => {
    const { sender } = await start(() => refusal(403, 'UnrelatedKeyIdInToken'));
    expect(tally(await collect(sender, recipients(1)))).toEqual({ 'stopApplication UnrelatedKeyIdInToken': 1 });
  });

  it('keeps the JWT and retires the connection if Apple counts too many updates', async () => {
    const { peer, sender } = await start(({ session }) =>
      session === 0 ? refusal(429, 'TooManyProviderTokenUpdates') : OK,
    );
    const [first] = await collect(sender, recipients(1));
    expect(first).toMatchObject({ action: 'retryAfter', afterMs: 1_200_000, scope: 'application' });
    expect(tally(await collect(sender, recipients(1)))).toEqual({ accept: 1 });
    expect(peer.pushes.map(({ session }) => session)).toEqual([0, 1]);
    expect(peer.seen('authorization')).toHaveLength(1);
  });

  it('stops at the third refusal of the topic in a row', async () => {
    let answer = refusal(400, 'TopicDisallowed');
    const { sender } = await start(() => answer);
    const once = async (): Promise<string> => (await collect(sender, recipients(1)))[0]!.action;
    expect([await once(), await once()]).toEqual(['retryBackoff', 'retryBackoff']);
    answer = OK;
    expect(await once()).toBe('accept');
    answer = refusal(400, 'TopicDisallowed');
    expect([await once(), await once(), await once()]).toEqual(['retryBackoff', 'retryBackoff', 'stopApplication']);
  });

  it('shares the JWT of a key between applications and over a restart of one', async () => {
    const { peer, openSender, sender } = await start(() => OK);
    await collect(sender, recipients(1));
    await collect(openSender('com.example.other'), recipients(1));
    await sender.close();
    await collect(openSender(), recipients(1));
    expect(peer.seen('apns-topic')).toEqual(['com.example.app', 'com.example.other']);
    expect(peer.seen('authorization')).toHaveLength(1);
  });

  it('loses and repeats nothing at a GOAWAY during requests', async () => {
    const accepted = new Map<string, number>();
    let lastOnFirst = Infinity;
    const { peer, sender } = await start(async ({ session, stream, path }) => {
      if (session === 0 && accepted.size === 120 && lastOnFirst === Infinity) {
        lastOnFirst = stream.id!;
        peer.sessions[0]!.goaway(0, lastOnFirst);
      }
      if (session === 0 && stream.id! > lastOnFirst) return undefined;
      accepted.set(path, (accepted.get(path) ?? 0) + 1);
      await new Promise((resolve) => setTimeout(resolve, 5));
      return OK;
    });
    expect(tally(await collect(sender, recipients(600)))).toEqual({ accept: 600 });
    expect(accepted.size).toBe(600);
    expect([...accepted.values()].every((times) => times === 1)).toBe(true);
    expect(peer.sessions.length).toBeGreaterThan(1);
  });

  it('reports requests on a connection that died as ambiguous', async () => {
    const { peer, sender } = await start(({ session }) => {
      if (session > 0 || peer.pushes.length < 2) return OK;
      peer.sessions[0]!.destroy();
      return undefined;
    });
    const counts = tally(await collect(sender, recipients(1)));
    expect(counts).toEqual({ accept: 1 });
    const [verdict] = await collect(sender, recipients(1));
    expect(verdict).toMatchObject({ action: 'ambiguous' });
  });

  it('writes nothing more after an abort: waiting requests are taken back, written ones get their answer', async () => {
    const controller = new AbortController();
    let release: (() => void) | undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const { peer, sender } = await start(async () => {
      await gate;
      return OK;
    });
    const done = collect(sender, recipients(1_500), { signal: controller.signal });
    await expect.poll(() => peer.pushes.length).toBeGreaterThan(0);
    controller.abort();
    release!();
    // The first request of a connection is written alone (primer), and 249 waited for its answer.
    expect(tally(await done)).toEqual({ accept: 1, notSent: 1_499 });
    expect(peer.pushes).toHaveLength(1);
  });

  it('finishes requests in flight at close', async () => {
    const { peer, sender } = await start(async () => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      return OK;
    });
    const done = collect(sender, recipients(1));
    await expect.poll(() => peer.pushes.length).toBe(1);
    await sender.close();
    expect(tally(await done)).toEqual({ accept: 1 });
  });

  it('opens nothing after close', async () => {
    const { peer, sender } = await start(async () => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      return EXPIRED;
    });
    const done = collect(sender, recipients(1));
    await expect.poll(() => peer.pushes.length).toBe(1);
    await sender.close();
    expect(tally(await done)).toEqual({ notSent: 1 });
    expect(peer.sessions).toHaveLength(1);
  });

  it('retries if the host is unreachable', async () => {
    const { provider } = await start(() => OK);
    const sender = provider.open(provider.parseSettings({ ...INPUT, isSandBox: true }), new MemoryShelf());
    open.push(sender);
    const [verdict] = await collect(sender, recipients(1));
    expect(verdict).toMatchObject({ action: 'retryBackoff' });
  });
});
