import { describe, expect, it } from 'vitest';
import { HmsProvider } from '../../../src/providers/hms/hms.provider.js';
import type { Sender } from '../../../src/providers/provider.js';
import { MemoryShelf } from '../../harness/memory-shelf.js';
import { senderStage } from './sender-stage.js';
import { collect, notification, recipients, tally } from './sending.js';

const stage = senderStage();

function openSender(input: Record<string, unknown> = stage.simulators.credentials.hms.oauth): Sender {
  const { url, tokenUrl } = stage.simulators.hms;
  const provider = new HmsProvider({ url, tokenUrl, ca: stage.simulators.ca });
  return stage.keep(provider.open(provider.parseSettings(input), new MemoryShelf()));
}

const openAccount = (): Sender => openSender(stage.simulators.credentials.hms.account);
const fault = (reason: string, status = 200, times?: number) =>
  stage.simulators.admin.setFaults([
    { match: { path: '/v' }, action: { status, reason }, ...(times === undefined ? {} : { times }) },
  ]);
/** Number of requests, with any answer. */
const requests = async (): Promise<number> => {
  const { answers } = (await stage.simulators.admin.counters()).hms;
  const all = Object.entries(answers).filter(([name]) => name !== '200 token issued');
  return all.reduce((sum, [, count]) => sum + count, 0);
};

describe('HMS', () => {
  it('sends to 2,500 devices in three requests with one access token', async () => {
    expect(tally(await collect(openSender(), recipients(2_500)))).toEqual({ accept: 2_500 });
    const { hms } = await stage.simulators.admin.counters();
    expect(hms).toMatchObject({ accepted: 2_500, accessTokensIssued: 1, firstRefusals: [] });
    expect(await requests()).toBe(3);
    expect(await stage.simulators.admin.ledger('hms', 'fnDWK8bG')).toMatchObject({ distinct: 2_500, repeats: 0 });
  });

  it('sends with a service account, without a token endpoint, and silently if asked', async () => {
    const sender = openAccount();
    expect(tally(await collect(sender, recipients(3)))).toEqual({ accept: 3 });
    const silent = { ...notification('silent'), gcm: { type: 'SILENT' as const } };
    expect(tally(await collect(sender, recipients(1), { message: silent }))).toEqual({ accept: 1 });
    const [last, first] = await stage.simulators.admin.lastAccepted('hms', 2);
    expect([first?.headers['push-type'], last?.headers['push-type']]).toEqual(['0', '6']);
    expect([first?.messageId, last?.messageId]).toEqual(['fnDWK8bG', 'silent']);
    expect((await stage.simulators.admin.counters()).hms.accessTokensIssued).toBe(0);
  });

  it('removes the illegal tokens of a partial result and accepts the others', async () => {
    const to = recipients(5);
    await stage.simulators.admin.killTokens('hms', [to[1]!.token, to[3]!.token]);
    const verdicts = await collect(openSender(), to);
    expect(verdicts.map(({ action }) => action)).toEqual(['accept', 'dropDevice', 'accept', 'dropDevice', 'accept']);
    expect((await stage.simulators.admin.ledger('hms')).accepted).toBe(3);
  });

  it("limits the retries to the caller's time to live", async () => {
    await fault('81000001', 500);
    const message = { ...notification(), gcm: { timeToLive: 60 } };
    expect(await collect(openSender(), recipients(1), { message })).toMatchObject([{ lifeMs: 60_000 }]);
  });

  it('keeps a device whose token is not the cause (v3)', async () => {
    const to = recipients(3);
    await stage.simulators.admin.killTokens('hms', [to[0]!.token], { reason: 'countryNotSupport' });
    await stage.simulators.admin.killTokens('hms', [to[1]!.token], { reason: 'noRight' });
    expect(tally(await collect(openAccount(), to))).toEqual({
      'fail 80100000 countryNotSupport': 1,
      'dropDevice 80100000 noRight': 1,
      accept: 1,
    });
  });

  it('believes "all tokens are invalid" for a batch if both halves get the same answer', async () => {
    const to = recipients(600);
    await stage.simulators.admin.killTokens(
      'hms',
      to.map(({ token }) => token),
    );
    const verdicts = await collect(openSender(), to);
    expect(tally(verdicts)).toEqual({ 'dropDevice 80300007 token invalid': 600 });
    expect(verdicts[0]).toMatchObject({ certain: false });
    expect(await requests()).toBe(3);
  });

  it('splits the halves further if they get different answers', async () => {
    const to = recipients(8);
    await fault('80300007', 200, 1);
    await stage.simulators.admin.killTokens(
      'hms',
      to.slice(0, 4).map(({ token }) => token),
    );
    const verdicts = await collect(openSender(), to);
    expect(verdicts.map(({ action }) => action)).toEqual([...Array(4).fill('dropDevice'), ...Array(4).fill('accept')]);
    expect((await stage.simulators.admin.ledger('hms')).repeats).toBe(0);
    // The whole, both halves, and the quarters of the refused half.
    expect(await requests()).toBe(5);
  });

  it('repeats without urgency if the app has no right to it', async () => {
    await fault('80300011', 200, 1);
    expect(tally(await collect(openSender(), recipients(2)))).toEqual({ accept: 2 });
    const [entry] = await stage.simulators.admin.lastAccepted('hms', 1);
    expect(entry?.body).toMatchObject({ message: { android: { urgency: 'NORMAL' } } });
    await fault('80300011');
    expect(tally(await collect(openSender(), recipients(1)))).toEqual({ 'fail 80300011 no high priority': 1 });
  });

  it('renews a refused access token once', async () => {
    const sender = openSender();
    await collect(sender, recipients(1));
    await stage.simulators.admin.expireAccessTokens();
    expect(tally(await collect(sender, recipients(4)))).toEqual({ accept: 4 });
    expect((await stage.simulators.admin.counters()).hms.accessTokensIssued).toBe(2);
  });

  it('stops if another token does not help, and once for a wrong secret', async () => {
    await fault('80200001', 401);
    expect(tally(await collect(openSender(), recipients(2)))).toEqual({ 'stopApplication 80200001 authentication': 2 });
    const wrong = openSender({ ...stage.simulators.credentials.hms.oauth, clientSecret: 'wrong' });
    expect(tally(await collect(wrong, recipients(2)))).toEqual({
      'stopApplication token endpoint: invalid_client': 1,
      notSent: 1,
    });
  });

  it('stops if the credentials are for another app', async () => {
    const sender = openSender({ ...stage.simulators.credentials.hms.oauth, appId: '999' });
    expect(tally(await collect(sender, recipients(1)))).toEqual({ 'stopApplication 80300002 no permission': 1 });
  });

  it('stops only at the third OAuth failure in a row', async () => {
    const sender = openSender();
    const once = async () => (await collect(sender, recipients(1)))[0]?.action;
    await fault('80600003', 200, 2);
    expect([await once(), await once(), await once()]).toEqual(['retryBackoff', 'retryBackoff', 'accept']);
    await fault('80600003');
    expect([await once(), await once(), await once()]).toEqual(['retryBackoff', 'retryBackoff', 'stopApplication']);
  });

  it('slows down for flow control', async () => {
    await stage.simulators.admin.changeSettings({ hms: { retryAfterSeconds: 30 } });
    await stage.simulators.admin.setFaults([{ match: { path: '/v1' }, action: { status: 503 } }]);
    const [verdict] = await collect(openSender(), recipients(1));
    expect(verdict).toEqual({ action: 'retryAfter', reason: 'HTTP 503', afterMs: 30_000, scope: 'application' });
  });

  it('a lost answer is ambiguous for the whole request', async () => {
    await stage.simulators.admin.setFaults([{ match: { path: '/v1' }, action: { acceptThenCut: true } }]);
    expect((await collect(openSender(), recipients(3))).map(({ action }) => action)).toEqual(
      Array(3).fill('ambiguous'),
    );
    expect(await stage.simulators.admin.ledger('hms')).toMatchObject({ accepted: 3, answersLost: 3 });
  });

  it('begins nothing after an abort', async () => {
    const verdicts = await collect(openSender(), recipients(1_200), { signal: AbortSignal.abort() });
    expect(tally(verdicts)).toEqual({ notSent: 1_200 });
    expect(await requests()).toBe(0);
  });
});
