import { describe, expect, it } from 'vitest';
import type { Recipient, Sender } from '../../../src/providers/provider.js';
import { WnsProvider } from '../../../src/providers/wns/wns.provider.js';
import { MemoryShelf } from '../../harness/memory-shelf.js';
import { senderStage } from './sender-stage.js';
import { collect, notification, tally } from './sending.js';

const stage = senderStage();

function openSender(input: Record<string, unknown> = stage.simulators.credentials.wns.package): Sender {
  const { tokenUrl, url, channelHost } = stage.simulators.wns;
  const provider = new WnsProvider({ tokenUrl, entraUrl: url, channelHost, ca: stage.simulators.ca });
  return stage.keep(provider.open(provider.parseSettings(input), new MemoryShelf()));
}

function channels(count: number, prefix = 'channel'): Recipient[] {
  return Array.from({ length: count }, (_, index) => channel(`${prefix}${index}`));
}

function channel(name: string): Recipient {
  return { token: stage.simulators.wns.channelUrl + name, platform: 'W', registeredAt: 0 };
}

const one = async (name: string, sender = openSender()) => (await collect(sender, [channel(name)]))[0];

describe('WNS', () => {
  it('posts a toast to each channel with one access token, over kept connections', async () => {
    expect(tally(await collect(openSender(), channels(200)))).toEqual({ accept: 200 });
    const { wns } = await stage.simulators.admin.counters();
    // One connection is to the token endpoint.
    expect(wns).toMatchObject({ accepted: 200, accessTokensIssued: 1, firstRefusals: [] });
    expect(wns.connectionsOpened).toBeLessThanOrEqual(65);
    expect(await stage.simulators.admin.ledger('wns', 'fnDWK8bG')).toMatchObject({
      accepted: 200,
      distinct: 200,
      repeats: 0,
    });
    const [entry] = await stage.simulators.admin.lastAccepted('wns', 1);
    expect(entry?.collapseId).toBe('fnDWK8bG');
    expect(entry?.body).toContain('<text>Grüße</text>');
    expect(entry?.headers).toMatchObject({ 'x-wns-type': 'wns/toast', 'content-length': expect.any(String) as string });
    expect(entry?.headers).not.toHaveProperty('transfer-encoding');
    expect(entry?.headers).not.toHaveProperty('expect');
  });

  it('sends for an Entra app', async () => {
    expect(await one('a', openSender(stage.simulators.credentials.wns.entra))).toEqual({ action: 'accept' });
  });

  it('sends badge, tile, raw and toast one after another', async () => {
    const visual = { binding: [{ template: 'TileWide', text: [{ content: 'a & b' }] }] };
    const wns = { badge: { value: 3 }, tile: { visual }, raw: { payload: '<&' }, toast: { launch: '"<' } };
    expect(tally(await collect(openSender(), channels(1), { message: { ...notification(), wns } }))).toEqual({
      accept: 1,
    });
    const types = (await stage.simulators.admin.lastAccepted('wns')).map(({ headers }) => headers['x-wns-type']);
    expect(types).toEqual(['wns/toast', 'wns/raw', 'wns/tile', 'wns/badge']);
  });

  it.each([
    ['dead0201', { action: 'acceptDropped', reason: 'dropped' }],
    ['dead0202', { action: 'retryAfter', reason: 'channelthrottled', scope: 'device' }],
    ['dead0403', { action: 'dropDevice', certain: false }],
    ['dead0404', { action: 'dropDevice', certain: true }],
    ['dead0406', { action: 'retryAfter', afterMs: 90_000, scope: 'application' }],
    ['dead0410', { action: 'dropDevice', certain: true }],
    ['dead0412', { action: 'retryAfter', afterMs: 3_600_000, scope: 'device' }],
    ['dead0500', { action: 'retryBackoff' }],
    ['dead0503', { action: 'retryAfter', afterMs: 90_000, scope: 'host' }],
  ])('channel %s', async (name, verdict) => {
    await stage.simulators.admin.changeSettings({ wns: { retryAfterSeconds: 90 } });
    expect(await one(name)).toMatchObject(verdict);
    expect((await stage.simulators.admin.ledger('wns')).accepted).toBe(0);
  });

  it("limits the retries to the caller's time to live", async () => {
    const message = { ...notification(), wns: { expirationTime: 90 } };
    expect(await collect(openSender(), [channel('dead0503')], { message })).toMatchObject([{ lifeMs: 90_000 }]);
  });

  it('never writes to a host outside of Windows', async () => {
    const token = stage.simulators.wns.channelUrl.replace('localhost', '127.0.0.1') + 'a';
    expect(tally(await collect(openSender(), [{ ...channel('a'), token }]))).toEqual({
      'dropDevice NoChannelOfWindows': 1,
    });
    expect((await stage.simulators.admin.counters()).wns.answers).not.toHaveProperty('200');
  });

  it('renews a refused access token once for all deliveries', async () => {
    const sender = openSender();
    await one('a', sender);
    await stage.simulators.admin.expireAccessTokens();
    expect(tally(await collect(sender, channels(60)))).toEqual({ accept: 60 });
    expect((await stage.simulators.admin.counters()).wns.accessTokensIssued).toBe(2);
  });

  it('stops if another access token does not help', async () => {
    await stage.simulators.admin.setFaults([{ match: { path: '/?token' }, action: { status: 401 } }]);
    expect(await one('a')).toEqual({ action: 'stopApplication', reason: 'HTTP 401' });
  });

  it('stops once for a wrong secret, and writes to no channel', async () => {
    const sender = openSender({ ...stage.simulators.credentials.wns.package, clientSecret: 'wrong' });
    expect(tally(await collect(sender, channels(5)))).toEqual({
      'stopApplication token endpoint: invalid_client': 1,
      notSent: 4,
    });
  });

  it('stops for a blocked domain', async () => {
    await stage.simulators.admin.setFaults([
      { match: { path: '/?token' }, action: { status: 410, reason: 'Domain Blocked' } },
    ]);
    expect(await one('a')).toEqual({ action: 'stopApplication', reason: 'HTTP 410 Domain Blocked' });
  });

  it('follows no redirect', async () => {
    const location = `${stage.simulators.wns.channelUrl}b`;
    await stage.simulators.admin.setFaults([
      { match: { path: '/?token=a' }, action: { status: 307, headers: { location } } },
    ]);
    expect(await one('a')).toEqual({ action: 'retryBackoff', reason: 'HTTP 307' });
    expect((await stage.simulators.admin.ledger('wns')).accepted).toBe(0);
  });

  it.each(['fin', 'tcpReset'] as const)('a request whose connection died (%s) is ambiguous', async (kind) => {
    await stage.simulators.admin.setFaults([{ match: { path: '/?token' }, action: { acceptThenCut: kind } }]);
    expect(await one('a')).toMatchObject({ action: 'ambiguous' });
    expect((await stage.simulators.admin.ledger('wns')).accepted).toBe(1);
  });

  it('reports unwritten requests as transient: the port is closed', async () => {
    const sender = openSender();
    await one('a', sender);
    await stage.simulators.admin.changeSettings({ wns: { acceptConnections: false } });
    await stage.simulators.admin.commandConnections('tcpReset', { provider: 'wns' });
    await expect
      .poll(async () => (await collect(sender, [channel('b')]))[0])
      .toMatchObject({ action: 'retryBackoff', reason: 'ECONNREFUSED' });
  });

  it('begins nothing after an abort', async () => {
    const verdicts = await collect(openSender(), channels(3), { signal: AbortSignal.abort() });
    expect(tally(verdicts)).toEqual({ notSent: 3 });
    expect((await stage.simulators.admin.counters()).wns.accessTokensIssued).toBe(0);
  });

  it('writes nothing after close', async () => {
    const sender = openSender();
    await one('a', sender);
    await sender.close();
    expect(await one('b', sender)).toMatchObject({ action: 'retryBackoff', reason: 'closed' });
    expect((await stage.simulators.admin.ledger('wns')).accepted).toBe(1);
  });
});
