import { describe, expect, it } from 'vitest';
import type { Notification } from '../../../src/providers/notification.js';
import type { Recipient, Sender, Verdict } from '../../../src/providers/provider.js';
import { UpstreamProvider } from '../../../src/providers/upstream/upstream.provider.js';
import { MemoryShelf } from '../../harness/memory-shelf.js';
import { senderStage } from '../providers/sender-stage.js';
import { collect, notification, tally } from '../providers/sending.js';

/** The relay's sender against the MobileFirst simulator: access tokens, messages and faults between them. */

const APPLICATION = 'com.acme.bank';
const TOKEN_PATH = '/mfp/api/az/v1/token';
const MESSAGES_PATH = `/imfpush/v1/apps/${APPLICATION}/messages`;
const UPSTREAM: Recipient[] = [{ token: '', platform: '', registeredAt: 0 }];

const stage = senderStage();

function openSender(change: Record<string, unknown> = {}, shelf = new MemoryShelf(), deadlineMs?: number): Sender {
  const provider = new UpstreamProvider({ ca: stage.simulators.ca, deadlineMs });
  const input = { baseUrl: stage.simulators.mobilefirst.url, ...stage.simulators.credentials.mobilefirst, ...change };
  return stage.keep(provider.open(provider.parseSettings(input), shelf, APPLICATION));
}

function relayed(alert: string): Notification {
  return { ...notification(), relay: { message: { alert }, target: { userIds: ['u1'] } } };
}

async function relay(sender: Sender, alert = 'hi'): Promise<Verdict | undefined> {
  return (await collect(sender, UPSTREAM, { message: relayed(alert) }))[0];
}

/** Simultaneous messages, each in its own send call as in the workers. */
function crowd(sender: Sender, count: number, from = 0): Promise<Verdict[]> {
  const sends = Array.from({ length: count }, (_, index) => relay(sender, `message ${from + index}`));
  return Promise.all(sends) as Promise<Verdict[]>;
}

const counters = async () => (await stage.simulators.admin.counters()).mobilefirst;
const ledger = (alert?: string) => stage.simulators.admin.ledger('mobilefirst', alert);
const actions = (verdicts: readonly Verdict[]) => tally(verdicts.map(({ action }) => ({ action }) as Verdict));

describe('a relayed message', () => {
  it('arrives with the caller’s body and a token of the narrowest scope, and its id is returned', async () => {
    const verdict = await relay(openSender());
    const [entry] = await stage.simulators.admin.lastAccepted('mobilefirst', 1);
    expect(entry).toMatchObject({ token: APPLICATION, messageId: 'hi', body: relayed('hi').relay });
    // With these headers, another Carillon recognises a relayed message and a repeat.
    expect(entry?.headers).toMatchObject({ via: '1.1 carillon', 'idempotency-key': notification().messageId });
    expect(verdict).toEqual({ action: 'accept', receipt: entry?.providerId });
  });

  it('may be as large as a request can be, and is echoed', async () => {
    const userIds = Array.from({ length: 10_000 }, (_, index) => `user-${index}-${'x'.repeat(80)}`);
    const message = { ...notification(), relay: { message: { alert: 'many' }, target: { userIds } } };
    expect(await collect(openSender(), UPSTREAM, { message })).toMatchObject([{ action: 'accept' }]);
    const [entry] = await stage.simulators.admin.lastAccepted('mobilefirst', 1);
    expect(entry?.body).toEqual(message.relay);
  });

  it('begins nothing after an abort or after close', async () => {
    const sender = openSender();
    await relay(sender);
    const signal = AbortSignal.abort();
    expect(await collect(sender, UPSTREAM, { message: relayed('late'), signal })).toEqual([{ action: 'notSent' }]);
    await sender.close();
    expect(await relay(sender, 'late')).toMatchObject({ action: 'retryBackoff', reason: 'closed' });
    expect((await ledger('late')).accepted).toBe(0);
  });
});

describe('the access token', () => {
  it('is requested once for 200 concurrent senders, and once more if it is refused during their requests', async () => {
    const sender = openSender();
    expect(actions(await crowd(sender, 200))).toEqual({ accept: 200 });
    expect((await counters()).accessTokensIssued).toBe(1);
    await stage.simulators.admin.expireAccessTokens();
    expect(actions(await crowd(sender, 200, 200))).toEqual({ accept: 200 });
    const { accessTokensIssued, answers } = await counters();
    expect(accessTokensIssued).toBe(2);
    expect(answers['401 401']).toBeGreaterThan(0);
    expect(await ledger()).toMatchObject({ accepted: 400, distinct: 400, repeats: 0 });
  });

  it('with a life of four seconds is renewed after three, and no push is refused', async () => {
    await stage.simulators.admin.changeSettings({ mobilefirst: { tokenLifeSeconds: 4 } });
    const sender = openSender();
    const begun = performance.now();
    for (let sent = 0; (await counters()).accessTokensIssued < 3; sent += 20)
      expect(actions(await crowd(sender, 20, sent))).toEqual({ accept: 20 });
    expect(performance.now() - begun).toBeGreaterThan(2 * 3_000 - 100);
    expect((await counters()).answers).not.toHaveProperty('401 401');
  });

  it('is shared with other processes through the shelf', async () => {
    const shelf = new MemoryShelf();
    await relay(openSender({}, shelf), 'one');
    await relay(openSender({}, shelf), 'two');
    expect((await counters()).accessTokensIssued).toBe(1);
  });

  it.each([
    [{ secret: 'wrong' }, /invalid_client: .*client id/],
    [{ clientId: 'nobody' }, /invalid_client: .*client id/],
  ])('stops for %j, with advice for the operator', async (change, reason) => {
    const verdicts = await crowd(openSender(change), 5);
    for (const verdict of verdicts)
      expect(verdict).toEqual({ action: 'stopApplication', reason: expect.stringMatching(reason) as unknown });
    // The one request of all senders is repeated once.
    expect((await counters()).answers['400 invalid_client']).toBe(2);
  });

  it('stops for a scope that is not allowed, and continues when the scope is widened', async () => {
    const client = { clientId: 'narrow', secret: 'narrow' };
    await stage.simulators.admin.registerCredentials({ mobilefirst: { ...client, allowedScope: 'messages.write' } });
    expect(await relay(openSender(client))).toMatchObject({
      action: 'stopApplication',
      reason: expect.stringMatching(/invalid_scope.*push\.application\.com\.acme\.bank/) as unknown,
    });
    const allowedScope = 'messages.* push.application.com.acme.*';
    await stage.simulators.admin.registerCredentials({ mobilefirst: { ...client, allowedScope } });
    expect(await relay(openSender(client))).toMatchObject({ action: 'accept' });
  });

  it.each([
    ['5xx', { status: 500 }],
    ['503', { status: 503 }],
    ['HTML', { spoil: 'notJson' as const }],
    ['404 while it starts', { status: 404, body: '<html>' }],
  ])('is retried after %s at the token endpoint, and the application never stops', async (_what, action) => {
    await stage.simulators.admin.setFaults([{ match: { path: TOKEN_PATH }, action }]);
    const sender = openSender();
    expect(actions(await crowd(sender, 9))).toEqual({ retryBackoff: 9 });
    expect(actions(await crowd(sender, 9))).toEqual({ retryBackoff: 9 });
    // All of them shared one request: within the wait, its answer counts.
    expect((await stage.simulators.admin.listFaults())[0]?.fired).toBe(1);
    expect((await ledger()).accepted).toBe(0);
  });

  it('reports the scope that a 403 requires', async () => {
    await stage.simulators.admin.setFaults([{ match: { path: MESSAGES_PATH }, action: { status: 403 } }]);
    expect(await relay(openSender())).toMatchObject({
      action: 'stopApplication',
      reason: expect.stringContaining(`"RegisteredClient messages.write push.application.${APPLICATION}"`) as unknown,
    });
  });

  it('stops after three new tokens in a row are refused, not earlier', async () => {
    await stage.simulators.admin.setFaults([{ match: { path: MESSAGES_PATH }, action: { status: 401 } }]);
    const sender = openSender();
    const verdicts = [await relay(sender), await relay(sender), await relay(sender)];
    expect(verdicts.map((verdict) => verdict?.action)).toEqual(['retryBackoff', 'retryBackoff', 'stopApplication']);
    await stage.simulators.admin.clearFaults();
    expect(await relay(sender)).toMatchObject({ action: 'accept' });
  });
});

describe('a message that the upstream certainly did not accept is retried', () => {
  it.each([
    [429, { action: 'retryAfter', scope: 'application', afterMs: 90_000 }],
    [503, { action: 'retryAfter', scope: 'host', afterMs: 90_000 }],
  ])('after %i', async (status, verdict) => {
    await stage.simulators.admin.changeSettings({ mobilefirst: { retryAfterSeconds: 90 } });
    await stage.simulators.admin.setFaults([{ match: { path: MESSAGES_PATH }, action: { status } }]);
    expect(await relay(openSender())).toMatchObject(verdict);
    expect((await ledger()).accepted).toBe(0);
  });

  it('after a refused connection', async () => {
    const sender = openSender();
    await relay(sender);
    await stage.simulators.admin.changeSettings({ mobilefirst: { acceptConnections: false } });
    await stage.simulators.admin.commandConnections('tcpReset', { provider: 'mobilefirst' });
    await expect.poll(() => relay(sender, 'later')).toMatchObject({ action: 'retryBackoff', reason: 'ECONNREFUSED' });
    expect((await ledger('later')).accepted).toBe(0);
  });

  it('an unreachable host is left alone after twenty failures in a row', async () => {
    await stage.simulators.admin.setFaults([{ match: { path: TOKEN_PATH }, action: { status: 500 } }]);
    const sender = openSender();
    await crowd(sender, 25);
    expect(await relay(sender)).toMatchObject({ action: 'held' });
  });
});

describe('a message that the upstream may have accepted is ambiguous', () => {
  it.each(['fin', 'tcpReset'] as const)('after an acceptance with %s', async (acceptThenCut) => {
    await stage.simulators.admin.setFaults([{ match: { path: MESSAGES_PATH }, action: { acceptThenCut } }]);
    expect(await relay(openSender(), 'cut')).toMatchObject({ action: 'ambiguous' });
    expect(await ledger('cut')).toMatchObject({ accepted: 1, answersLost: 1 });
  });

  it.each([500, 502, 504])('after %i', async (status) => {
    await stage.simulators.admin.setFaults([{ match: { path: MESSAGES_PATH }, action: { status } }]);
    expect(await relay(openSender())).toMatchObject({ action: 'ambiguous' });
  });

  it('after half an answer', async () => {
    await stage.simulators.admin.setFaults([{ match: { path: MESSAGES_PATH }, action: { spoil: 'halfThenReset' } }]);
    expect(await relay(openSender())).toMatchObject({ action: 'ambiguous' });
  });

  it('without an answer in time; a late answer does not count, a slow one does', async () => {
    await stage.simulators.admin.setFaults([
      { match: { path: MESSAGES_PATH, nth: 1 }, action: { delayMs: 500 } },
      { match: { path: MESSAGES_PATH, nth: 1 }, action: { delayMs: 2_500 } },
    ]);
    const sender = openSender({}, new MemoryShelf(), 1_500);
    expect(await relay(sender, 'slow')).toMatchObject({ action: 'accept' });
    expect(await relay(sender, 'late')).toEqual({ action: 'ambiguous', reason: 'time-out' });
  });
});

describe('a fault of the message fails it', () => {
  it('with the upstream’s code, never its text', async () => {
    const message = { ...notification(), relay: { message: { alert: 'hi' }, target: { userIds: [] } } };
    expect(await collect(openSender(), UPSTREAM, { message })).toEqual([
      { action: 'fail', reason: 'HTTP 400 FPWSE0005E' },
    ]);
  });

  it('an application that is disabled there stops here', async () => {
    await stage.simulators.admin.killTokens('mobilefirst', [APPLICATION], { reason: 'FPWSE1007E' });
    expect(await relay(openSender())).toMatchObject({
      action: 'stopApplication',
      reason: expect.stringContaining('disabled at the upstream') as unknown,
    });
  });

  it('follows no redirect, with the token or with the credentials', async () => {
    const location = `${stage.simulators.mobilefirst.url}/elsewhere`;
    const action = { status: 307, headers: { location } };
    for (const path of [TOKEN_PATH, MESSAGES_PATH]) {
      await stage.simulators.admin.setFaults([{ match: { path }, action }]);
      expect(await relay(openSender())).toMatchObject({
        action: 'stopApplication',
        reason: expect.stringContaining('check baseUrl') as unknown,
      });
    }
  });
});
