import type { ClientHttp2Session } from 'node:http2';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startSimulators, type RunningSimulators } from '../../simulators/client.js';
import { closed, connect, nextSettings, send, signProviderToken, until, type Outcome } from './h2-client.js';

/** Longer than any test: requests stay open until a command decides. */
const FOR_EVER_MS = 600_000;

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
  session = await connect(simulators.apns.url, simulators.ca);
  const settings = nextSettings(session);
  await push('00');
  await settings;
});
afterEach(() => session.destroy());

function push(token: string): Promise<Outcome> {
  const headers = { ':path': `/3/device/${token}`, authorization, 'apns-topic': 'com.example.app' };
  return send(session, { ...headers, 'apns-collapse-id': 'm1' }, JSON.stringify({ aps: {} }));
}

/** Starts this many pushes and returns when the simulator has all of them and answers none for `delayMs`. */
async function inFlight(count: number, delayMs = FOR_EVER_MS): Promise<Promise<Outcome>[]> {
  await simulators.admin.changeSettings({ apns: { latencyMs: delayMs, latencySigma: 0 } });
  const pushes = Array.from({ length: count }, (_, i) => push(`aa${i.toString(16).padStart(4, '0')}`));
  await until(
    () => simulators.admin.counters(),
    ({ apns }) => apns.peakStreams === count,
  );
  await new Promise<void>((resolve) => session.ping(() => resolve()));
  return pushes;
}

describe('a cut on command', () => {
  it.each([
    ['fin', 'lost', 0, 40],
    ['fin', 'accepted', 40, 0],
    ['tcpReset', 'lost', 0, 40],
    ['tcpReset', 'accepted', 40, 0],
  ] as const)('%s with the open requests %s', async (command, fate, answersLost, unanswered) => {
    const pushes = await inFlight(40);
    expect(await simulators.admin.commandConnections(command, { provider: 'apns', inFlight: fate })).toBe(1);
    const outcomes = await Promise.all(pushes);
    expect(outcomes.filter(({ status }) => status !== undefined)).toEqual([]);
    await closed(session);
    expect((await simulators.admin.counters()).apns).toMatchObject({ answersLost, unanswered });
  });

  it('processes half of the open requests and answers none', async () => {
    const pushes = await inFlight(40);
    await simulators.admin.commandConnections('fin', { inFlight: 'half' });
    await Promise.all(pushes);
    const { answersLost, unanswered } = (await simulators.admin.counters()).apns;
    expect(answersLost + unanswered).toBe(40);
    expect(Math.min(answersLost, unanswered)).toBeGreaterThan(5);
    expect(await simulators.admin.ledger('apns', 'm1')).toMatchObject({ answersLost, distinct: answersLost + 1 });
  });
});

describe('GOAWAY on command', () => {
  it('graceful: all open requests are answered, then the connection closes', async () => {
    // If the answers come before the second GOAWAY, the client has closed the connection before it reads that.
    const pushes = await inFlight(20, 1_000);
    const lastIds: number[] = [];
    session.on('goaway', (_code, last) => lastIds.push(last));
    await simulators.admin.commandConnections('goaway');
    expect((await Promise.all(pushes)).map(({ status }) => status)).toEqual(Array(20).fill(200));
    await closed(session);
    // Announced first with the largest id, then with the last accepted stream.
    expect(lastIds).toEqual([2 ** 31 - 1, 41]);
    expect((await simulators.admin.ledger('apns', 'm1')).distinct).toBe(21);
  });

  it('during requests: the lower half is answered, the upper half refused, and none in between', async () => {
    const pushes = await inFlight(20, 1_000);
    const last = new Promise<number>((resolve) => session.once('goaway', (_code, id) => resolve(id)));
    await simulators.admin.commandConnections('goawayHalf', { debug: '{"reason":"Shutdown"}' });
    const outcomes = await Promise.all(pushes);
    const lastId = await last;
    for (const { streamId = 0, status, rstCode } of outcomes) {
      if (streamId <= lastId) expect(status).toBe(200);
      else expect({ status, rstCode }).toEqual({ status: undefined, rstCode: 7 });
    }
    expect(outcomes.filter(({ status }) => status === 200)).toHaveLength(10);
    expect((await simulators.admin.ledger('apns', 'm1')).distinct).toBe(11);
    await closed(session);
  });
});

describe('the port', () => {
  it('refuses new connections on command and accepts them again', async () => {
    await simulators.admin.changeSettings({ apns: { acceptConnections: false } });
    await expect(connect(simulators.apns.url, simulators.ca)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect((await push('ab')).status).toBe(200);
    await simulators.admin.changeSettings({ apns: { acceptConnections: true } });
    const again = await connect(simulators.apns.url, simulators.ca);
    again.destroy();
  });

  it('closes a connection that was idle for long enough', async () => {
    const goaway = new Promise<number>((resolve) => session.once('goaway', resolve));
    await simulators.admin.changeSettings({ apns: { idleCloseMs: 30 } });
    expect(await goaway).toBe(0);
    await closed(session);
    expect(session.destroyed).toBe(true);
  });

  it('answers after the configured latency', async () => {
    await simulators.admin.changeSettings({ apns: { latencyMs: 60, latencySigma: 0 } });
    const startedAt = performance.now();
    expect((await push('ab')).status).toBe(200);
    // A timer may fire a millisecond early.
    expect(performance.now() - startedAt).toBeGreaterThan(58);
  });
});
