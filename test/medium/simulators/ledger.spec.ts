import type { ClientHttp2Session } from 'node:http2';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startSimulators, type RunningSimulators } from '../../simulators/client.js';
import { Ledger, type LedgerEntry } from '../../simulators/shared/ledger.js';
import { connect, nextSettings, send, signProviderToken } from './h2-client.js';

function entry(change: Partial<LedgerEntry>): LedgerEntry {
  return {
    provider: 'apns',
    receivedAt: 0,
    token: 't',
    messageId: 'm',
    collapseId: 'c',
    providerId: 'p',
    body: null,
    connection: 1,
    stream: 1,
    headers: {},
    answerLost: false,
    ...change,
  };
}

describe('the ledger', () => {
  it('counts repeats and losses exactly over many messages and tokens', () => {
    const ledger = new Ledger(10);
    for (let message = 0; message < 50; message++) {
      for (let token = 0; token < 1000; token++) ledger.record(entry({ messageId: `m${message}`, token: `t${token}` }));
    }
    for (let token = 0; token < 7; token++)
      ledger.record(entry({ messageId: 'm3', token: `t${token}`, answerLost: true }));
    expect(ledger.summary()).toEqual({ accepted: 50_007, distinct: 50_000, repeats: 7, answersLost: 7 });
    expect(ledger.summary('m3')).toEqual({ accepted: 1007, distinct: 1000, repeats: 7, answersLost: 7 });
    expect(ledger.summary('m4')).toEqual({ accepted: 1000, distinct: 1000, repeats: 0, answersLost: 0 });
    expect(ledger.summary('unknown').accepted).toBe(0);
    expect([...ledger.tokenCounts(undefined, true)].map(({ token }) => token)).toEqual(
      't0 t1 t2 t3 t4 t5 t6'.split(' '),
    );
    expect([...ledger.tokenCounts('m3')]).toHaveLength(1000);
    expect([...ledger.tokenCounts('unknown')]).toEqual([]);
  });

  it('stores a collapse id that differs from its message', () => {
    const ledger = new Ledger(10);
    ledger.record(entry({ token: 'a' }));
    ledger.record(entry({ token: 'b', collapseId: 'other' }));
    expect([...ledger.tokenCounts('m')].map(({ collapseId }) => collapseId)).toEqual(['c', 'other']);
  });

  it('keeps the details of the newest entries, newest first', () => {
    const ledger = new Ledger(3);
    for (const token of ['a', 'b', 'c', 'd', 'e']) ledger.record(entry({ token }));
    expect(ledger.last(10).map(({ token }) => token)).toEqual(['e', 'd', 'c']);
    expect(ledger.last(1)).toHaveLength(1);
  });
});

describe('the ledger behind the admin API', () => {
  let simulators: RunningSimulators;
  let session: ClientHttp2Session;
  let authorization: string;

  beforeAll(async () => {
    simulators = await startSimulators();
    authorization = `bearer ${await signProviderToken(simulators.credentials.apns)}`;
    session = await connect(simulators.apns.url, simulators.ca);
    const settings = nextSettings(session);
    await push('00', { collapseId: 'x' });
    await settings;
  });
  afterAll(async () => {
    session.destroy();
    await simulators.stop();
  });
  beforeEach(() => simulators.admin.reset());

  async function push(token: string, how: { collapseId?: string; nid?: string }): Promise<number | undefined> {
    const headers: Record<string, string> = {
      ':path': `/3/device/${token}`,
      authorization,
      'apns-topic': 'com.example.app',
    };
    if (how.collapseId !== undefined) headers['apns-collapse-id'] = how.collapseId;
    const custom = how.nid === undefined ? {} : { payload: JSON.stringify({ nid: how.nid }) };
    return (await send(session, headers, JSON.stringify({ aps: {}, ...custom }))).status;
  }

  it('identifies a message by the nid of its payload before its collapse id', async () => {
    await push('aa', { nid: 'n1', collapseId: 'c1' });
    await push('bb', { collapseId: 'c2' });
    expect((await simulators.admin.ledger('apns')).messages?.map(({ messageId }) => messageId)).toEqual(['n1', 'c2']);
    expect(await simulators.admin.ledgerTokens('apns', 'n1')).toEqual([
      { messageId: 'n1', token: 'aa', count: 1, answersLost: 0, collapseId: 'c1' },
    ]);
  });

  it('stores time, headers, body, connection and stream of an acceptance', async () => {
    const before = Date.now();
    await push('AABB', { nid: 'n1' });
    const [last] = await simulators.admin.lastAccepted('apns');
    expect(last).toMatchObject({
      provider: 'apns',
      token: 'aabb',
      messageId: 'n1',
      headers: { 'apns-topic': 'com.example.app' },
      body: { aps: {} },
      connection: 1,
      answerLost: false,
    });
    expect(last?.stream).toBeGreaterThan(1);
    expect(last?.receivedAt).toBeGreaterThanOrEqual(before);
  });

  it('counts 5,000 simultaneous pushes', async () => {
    const tokens = Array.from({ length: 5000 }, (_, i) => i.toString(16).padStart(64, '0'));
    const statuses = await Promise.all(tokens.map((token) => push(token, { nid: 'big' })));
    expect(statuses.every((status) => status === 200)).toBe(true);
    expect(await simulators.admin.ledger('apns', 'big')).toMatchObject({ accepted: 5000, distinct: 5000, repeats: 0 });
    const rows = await simulators.admin.ledgerTokens('apns', 'big');
    expect(new Set(rows.map(({ token }) => token))).toEqual(new Set(tokens));
  });

  it('is empty after a reset', async () => {
    await push('aa', { nid: 'n1' });
    await simulators.admin.reset();
    expect(await simulators.admin.ledger('apns')).toMatchObject({ accepted: 0, messages: [] });
    expect((await simulators.admin.counters()).apns).toMatchObject({ accepted: 0, answers: {} });
  });
});
