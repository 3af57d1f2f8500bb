import { afterEach, describe, expect, it } from 'vitest';
import { PushPool } from '../../../src/http2/pool.js';
import type { Header, PushResult } from '../../../src/http2/push.js';
import { signProviderToken } from '../simulators/h2-client.js';
import { useSimulators } from './conformance.js';

/** Short, for a short test; the product uses 30 s and 5 s. */
const PING_INTERVAL_MS = 400;
const PING_TIMEOUT_MS = 400;
/** The pool looks every 100 ms; the rest is for a busy machine. */
const SLACK_MS = 1_000;

const bench = useSimulators();

describe('4. A connection that never answers', () => {
  let pool: PushPool;

  afterEach(() => pool.close(0));

  it('is found within ping interval and timeout, and other connections are not affected', async () => {
    const { simulators } = bench;
    await simulators.admin.changeSettings({ apns: { streams: 20, latencyMs: 30 } });
    pool = new PushPool({
      origin: simulators.apns.url,
      tls: { ca: simulators.ca },
      primer: true,
      maxConnections: 3,
      openIntervalMs: 50,
      pingIntervalMs: PING_INTERVAL_MS,
      pingTimeoutMs: PING_TIMEOUT_MS,
    });
    const constant: Header[] = [
      ['authorization', `bearer ${await signProviderToken(simulators.credentials.apns)}`],
      ['apns-topic', 'com.example.app'],
    ];
    let next = 0;
    const push = (): Promise<PushResult> => {
      const path = `/3/device/${(next++).toString(16).padStart(64, '0')}`;
      return pool.send({ path, constant, body: Buffer.from('{"aps":{}}') });
    };

    const openBefore: PushResult[] = [];
    for (let round = 0; round < 100 && pool.stats().connections < 3; round++)
      openBefore.push(...(await Promise.all(Array.from({ length: 200 }, push))));
    expect(pool.stats().connections).toBe(3);
    // The oldest connection is filled first.
    const victim = Math.min(...openBefore.map((result) => (result.kind === 'answered' ? result.connection : Infinity)));

    // The simulator numbers connections in order of arrival, like the pool.
    await simulators.admin.setFaults([
      { match: { connection: victim, provider: 'apns' }, action: { blackhole: true } },
    ]);
    const startedAt = performance.now();
    const settled: { result: PushResult; ms: number }[] = [];
    let blackout = 10_000;
    const lane = async (): Promise<void> => {
      while (performance.now() - startedAt < blackout) {
        const result = await push();
        const ms = performance.now() - startedAt;
        settled.push({ result, ms });
        // Until the dead connection is found, and as long again.
        if (result.kind !== 'answered') blackout = Math.min(blackout, ms * 2);
      }
    };
    await Promise.all(Array.from({ length: 40 }, lane));

    const lost = settled.filter(({ result }) => result.kind !== 'answered');
    expect(lost.length).toBeGreaterThan(0);
    // At most the streams of one connection.
    expect(lost.length).toBeLessThanOrEqual(20);
    for (const { result, ms } of lost) {
      expect(result).toMatchObject({ kind: 'ambiguous' });
      expect(ms).toBeLessThanOrEqual(PING_INTERVAL_MS + PING_TIMEOUT_MS + SLACK_MS);
    }
    const foundAt = Math.min(...lost.map(({ ms }) => ms));
    const meanwhile = settled.filter(({ result, ms }) => result.kind === 'answered' && ms < foundAt);
    expect(meanwhile.length).toBeGreaterThan(100);
    expect((await simulators.admin.counters()).apns.protocolErrors).toBe(0);
  });
});
