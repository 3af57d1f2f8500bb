import type { ClientHttp2Session } from 'node:http2';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startSimulators, type RunningSimulators } from '../../simulators/client.js';
import type { FaultAction } from '../../simulators/shared/faults.js';
import { closed, connect, nextSettings, send, signProviderToken, until, type Outcome } from './h2-client.js';

let simulators: RunningSimulators;
let session: ClientHttp2Session;
let authorization: string;

beforeAll(async () => {
  simulators = await startSimulators();
  authorization = `bearer ${await signProviderToken(simulators.credentials.apns)}`;
});
afterAll(() => simulators.stop());
beforeEach(async () => {
  await simulators.admin.reset();
  session = await openConnection();
});
afterEach(() => session.destroy());

/** A connection after its first push, so that all streams are allowed. */
async function openConnection(): Promise<ClientHttp2Session> {
  const opened = await connect(simulators.apns.url, simulators.ca);
  const settings = nextSettings(opened);
  await push('00', opened);
  await settings;
  return opened;
}

function push(token: string, on = session): Promise<Outcome> {
  const headers = { ':path': `/3/device/${token}`, authorization, 'apns-topic': 'com.example.app' };
  return send(on, { ...headers, 'apns-collapse-id': 'm1' }, JSON.stringify({ aps: {} }));
}

function setFault(action: FaultAction, token = 'fa'): Promise<void> {
  return simulators.admin.setFaults([{ match: { provider: 'apns', token }, action }]);
}

/** How often this token was accepted, by the ledger. */
async function accepted(token: string): Promise<number> {
  const rows = await simulators.admin.ledgerTokens('apns', 'm1');
  return rows.find((row) => row.token === token)?.count ?? 0;
}

describe('a request refused before processing', () => {
  it('by a status, with the configured reason, headers and body', async () => {
    await setFault({ status: 503, reason: 'Shutdown', headers: { 'retry-after': '7' } });
    const outcome = await push('fa');
    expect(outcome).toMatchObject({ status: 503, json: { reason: 'Shutdown' }, headers: { 'retry-after': '7' } });
    await setFault({ status: 500, body: 'oops' });
    expect(await push('fa')).toMatchObject({ status: 500, text: 'oops' });
    expect(await accepted('fa')).toBe(0);
  });

  it("by 410, with APNs' timestamp", async () => {
    await setFault({ status: 410 });
    const outcome = await push('fa');
    expect(outcome.json).toEqual({ reason: 'Unregistered', timestamp: expect.any(Number) as number });
  });

  it('by an injected expiry, which blocks the connection like a real one', async () => {
    await setFault({ status: 403, reason: 'ExpiredProviderToken' });
    expect((await push('fa')).status).toBe(403);
    expect(await push('ab')).toMatchObject({ status: 403, json: { reason: 'ExpiredProviderToken' } });
  });

  it.each([
    [true, 7],
    [2, 2],
    [8, 8],
  ])('by RST_STREAM %s, code %i, with the connection kept open', async (rst, code) => {
    await setFault({ rst });
    expect(await push('fa')).toMatchObject({ rstCode: code });
    expect((await push('ab')).status).toBe(200);
    expect(await accepted('fa')).toBe(0);
  });

  it('by GOAWAY during requests: lower streams are answered, this one and later ones refused', async () => {
    await simulators.admin.setFaults([
      { match: { token: 'fa' }, action: { goaway: '{"reason":"Shutdown"}', delayMs: 40 } },
      { match: { tokenPrefix: 'ab' }, action: { delayMs: 80 } },
    ]);
    const goaway = new Promise<{ code: number; last: number; data: string }>((resolve) => {
      session.once('goaway', (code, last, data) => resolve({ code, last, data: String(data) }));
    });
    const [before, hit, after] = await Promise.all([push('ab01'), push('fa'), push('ab02')]);
    expect(before.status).toBe(200);
    expect(hit).toMatchObject({ rstCode: 7 });
    expect(after).toMatchObject({ rstCode: 7 });
    expect(await goaway).toEqual({ code: 0, last: before.streamId, data: '{"reason":"Shutdown"}' });
    await closed(session);
    expect([await accepted('ab01'), await accepted('fa'), await accepted('ab02')]).toEqual([1, 0, 0]);
  });

  it('by GOAWAY on the first stream, which the peer can recognise as refused', async () => {
    await setFault({ goaway: true });
    const fresh = await connect(simulators.apns.url, simulators.ca);
    expect(await push('fa', fresh)).toMatchObject({ streamId: 1, rstCode: 7 });
    await closed(fresh);
    expect(await accepted('fa')).toBe(0);
  });

  it.each([['fin'], ['tcpReset']] as const)('by %s: no answer, and the connection is gone', async (kind) => {
    await setFault({ [kind]: true });
    const outcome = await push('fa');
    expect(outcome.status).toBeUndefined();
    if (kind === 'tcpReset') expect(outcome.error).toBe('ECONNRESET');
    await closed(session);
    expect(await accepted('fa')).toBe(0);
    expect((await simulators.admin.counters()).apns.unanswered).toBe(1);
  });

  it('by a silent connection: no answer, also to PING', async () => {
    await setFault({ blackhole: true });
    let answered = false;
    const lost = push('fa');
    await until(
      () => simulators.admin.counters(),
      ({ apns }) => apns.unanswered === 1,
    );
    session.ping(() => (answered = true));
    // Another connection answers meanwhile, so this one had the time to.
    const other = await openConnection();
    for (let i = 0; i < 20; i++) await push('ab', other);
    expect(answered).toBe(false);
    session.destroy();
    expect((await lost).status).toBeUndefined();
    other.destroy();
  });
});

describe('a processed request whose answer is lost', () => {
  it.each([[true], ['fin'], ['tcpReset'], ['rst'], ['blackhole']] as const)('by %s', async (kind) => {
    await setFault({ acceptThenCut: kind });
    const pushed = push('fa');
    await until(
      () => accepted('fa'),
      (count) => count === 1,
    );
    if (kind === 'blackhole') session.destroy();
    const outcome = await pushed;
    expect(outcome.status).toBeUndefined();
    if (kind === 'rst') expect(outcome.rstCode).toBe(2);
    else await closed(session);
    expect((await simulators.admin.counters()).apns).toMatchObject({ answersLost: 1 });
    expect(await simulators.admin.ledger('apns', 'm1')).toMatchObject({ answersLost: 1, repeats: 0 });
  });

  it('counts as a repeat of a lost answer when it is sent again', async () => {
    await setFault({ acceptThenCut: 'rst' });
    await push('fa');
    await simulators.admin.clearFaults();
    await push('fa');
    const report = await simulators.admin.ledger('apns', 'm1');
    expect(report).toMatchObject({ accepted: 3, distinct: 2, repeats: 1, answersLost: 1 });
    expect(report.duplicates).toEqual([{ messageId: 'm1', token: 'fa', count: 2, answersLost: 1, collapseId: 'm1' }]);
  });
});

describe('the rules', () => {
  async function statuses(count: number): Promise<(number | undefined)[]> {
    const seen = [];
    for (let i = 0; i < count; i++) seen.push((await push('fa')).status);
    return seen;
  }

  it('may match the n-th time, every n-th time, or a number of times', async () => {
    await simulators.admin.setFaults([{ match: { token: 'fa', nth: 2 }, action: { status: 500 } }]);
    expect(await statuses(4)).toEqual([200, 500, 200, 200]);
    await simulators.admin.setFaults([{ match: { token: 'fa', every: 2 }, action: { status: 500 } }]);
    expect(await statuses(4)).toEqual([200, 500, 200, 500]);
    await simulators.admin.setFaults([{ match: { token: 'fa' }, action: { status: 500 }, times: 2 }]);
    expect(await statuses(4)).toEqual([500, 500, 200, 200]);
  });

  it('are applied in order, and may be added to, listed and removed', async () => {
    await simulators.admin.setFaults([{ match: { tokenPrefix: 'f' }, action: { status: 500 }, times: 1 }]);
    await simulators.admin.appendFaults([{ match: { path: '/3/device/fa' }, action: { status: 503 } }]);
    expect(await statuses(2)).toEqual([500, 503]);
    expect(await simulators.admin.listFaults()).toMatchObject([{ fired: 1 }, { matched: 1, fired: 1 }]);
    await simulators.admin.clearFaults();
    expect(await statuses(1)).toEqual([200]);
  });

  it('give the same results for the same seed', async () => {
    const runs = [];
    for (const seed of [42, 42, 43]) {
      await simulators.admin.reset(seed);
      await simulators.admin.setFaults([{ match: { token: 'fa', probability: 0.5 }, action: { status: 500 } }]);
      runs.push((await statuses(24)).join());
    }
    expect(runs[0]).toBe(runs[1]);
    expect(runs[0]).not.toBe(runs[2]);
    expect(runs[0]).toMatch(/200.*500|500.*200/);
  });

  it('never accept a request that the provider itself refuses', async () => {
    await simulators.admin.setFaults([{ match: {}, action: { status: 500 } }]);
    expect((await push('dead0410')).status).toBe(410);
    // The refusal does not use up a rule.
    expect(await simulators.admin.listFaults()).toMatchObject([{ matched: 0, fired: 0 }]);
  });

  it.each([
    [[{ match: { tokn: 'a' }, action: { status: 500 } }], 'tokn'],
    [[{ match: {}, action: {} }], 'empty'],
    [[{ match: {}, action: { status: '500' } }], 'status'],
    [[{ match: { provider: 'adm' }, action: { fin: true } }], 'provider'],
    [{ match: {} }, 'list'],
  ])('are refused if they are wrong: %j', async (rules, word) => {
    await expect(simulators.admin.setFaults(rules as never)).rejects.toThrow(word);
  });
});
