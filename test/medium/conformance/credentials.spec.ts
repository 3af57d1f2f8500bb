import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Vault } from '../../../src/common/vault.js';
import type { Database } from '../../../src/database/database.js';
import { SharedTokenRepository } from '../../../src/applications/shared-token.repository.js';
import { ApnsProvider } from '../../../src/providers/apns/apns.provider.js';
import { MemoryShelf } from '../../harness/memory-shelf.js';
import { openPlace } from '../database/places.js';
import { PushPeer } from '../providers/push-peer.js';
import { collect, recipients, tally } from '../providers/sending.js';
import { until } from '../simulators/h2-client.js';
import { useSimulators } from './conformance.js';

const MINUTE_MS = 60_000;

describe('5. Provider tokens over hours, shared', () => {
  const PROCESSES = 20;
  const APPLICATIONS = 2;
  /** On a full second, like `iat`. */
  const START = Math.ceil(Date.now() / 1_000) * 1_000;
  const vault = new Vault(randomBytes(32));
  let database: Database;
  let remove: () => Promise<void>;
  let peer: PushPeer;
  let stop: () => Promise<unknown>;

  beforeEach(async () => {
    ({ database, remove } = await openPlace());
    vi.useFakeTimers({ toFake: ['Date'], now: START });
  });
  afterEach(async () => {
    vi.useRealTimers();
    await stop();
    await peer.close();
    await remove();
  });

  it('signs at most one new JWT per team in 20 minutes, and uses none older than an hour', async () => {
    /** Each JWT with its `iat` and its age at the last use. */
    const seen = new Map<string, { iat: number; oldest: number }>();
    let expired: string | undefined;
    const wedged = new Set<number>();
    peer = await PushPeer.start(({ headers, session }) => {
      const jwt = String(headers.authorization).slice('bearer '.length);
      const { iat } = JSON.parse(Buffer.from(jwt.split('.')[1]!, 'base64url').toString()) as { iat: number };
      seen.set(jwt, { iat, oldest: Date.now() - iat * 1_000 });
      if (jwt === expired) wedged.add(session);
      return wedged.has(session) ? { status: 403, body: { reason: 'ExpiredProviderToken' } } : { status: 200 };
    });
    const newest = (): string => [...seen.entries()].reduce((a, b) => (b[1].iat > a[1].iat ? b : a))[0];
    const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' });
    const team = { key, keyId: 'KEY1234567', teamId: 'TEAM123456' };
    /** A process has one ApnsProvider; each application of a team has a sender. */
    class Process {
      readonly provider = new ApnsProvider({ productionUrl: peer.url, sandboxUrl: peer.url, ca: peer.ca });
      readonly shelf = new SharedTokenRepository(database, vault);
      readonly senders = Array.from({ length: APPLICATIONS }, (_, application) => {
        const settings = this.provider.parseSettings({ ...team, bundleId: `a${application}` });
        return this.provider.open(settings, this.shelf);
      });

      async stop(): Promise<void> {
        await Promise.all(this.senders.map((sender) => sender.close()));
      }
    }
    const processes: Process[] = [];
    stop = () => Promise.all(processes.map((process) => process.stop()));

    for (let minute = 0; minute < 180; minute += 5) {
      vi.setSystemTime(START + minute * MINUTE_MS);
      const application = (minute / 5) % APPLICATIONS;
      // Five start at once and the others one after another; at times one is started again.
      while (processes.length < Math.min(PROCESSES, 5 + minute / 5)) processes.push(new Process());
      if (minute % 15 === 0) {
        await processes.shift()!.stop();
        processes.push(new Process());
      }
      // Apple calls it expired before we do, as with different clocks.
      if (minute === 130) expired = newest();
      await Promise.all(
        processes.map(async (process) => {
          expect(tally(await collect(process.senders[application]!, recipients(1)))).toEqual({ accept: 1 });
        }),
      );
    }

    const jwts = [...seen.values()].toSorted((a, b) => a.iat - b.iat);
    expect(Math.max(...jwts.map(({ oldest }) => oldest))).toBeLessThan(60 * MINUTE_MS);
    const gaps = jwts.slice(1).map(({ iat }, index) => (iat - jwts[index]!.iat) / 60);
    // At 50 and 100 minutes by age, at 130 by Apple's answer.
    expect(gaps).toEqual([50, 50, 30]);
  });
});

describe('9. Access tokens at peak', () => {
  const bench = useSimulators();

  it('a token that expires during a send causes one token request and no failed message', async () => {
    const { admin } = bench.simulators;
    await admin.changeSettings({ fcm: { latencyMs: 20 } });
    const sender = bench.openFcm();
    const issued = async (): Promise<number> => (await admin.counters()).fcm.accessTokensIssued;
    const before = await issued();
    const sending = Promise.all([collect(sender, recipients(2_000)), collect(sender, recipients(2_000, 2_000))]);
    await until(
      () => admin.counters(),
      ({ fcm }) => fcm.accepted >= 500,
    );
    await admin.expireAccessTokens();
    const verdicts = (await sending).flat();
    expect(tally(verdicts)).toEqual({ accept: 4_000 });
    expect(await issued()).toBe(before + 2);
    const { answers } = (await admin.counters()).fcm;
    expect(answers['401 UNAUTHENTICATED'] ?? 0).toBeGreaterThan(0);
    expect(await admin.ledger('fcm')).toMatchObject({ distinct: 4_000, repeats: 0 });
  });

  it('processes that start one after another share one token request', async () => {
    const { admin } = bench.simulators;
    const before = (await admin.counters()).fcm.accessTokensIssued;
    const shelf = new MemoryShelf();
    for (let process = 0; process < 20; process++) {
      const sender = bench.openFcm(undefined, shelf);
      expect(tally(await collect(sender, recipients(10, process * 10)))).toEqual({ accept: 10 });
    }
    expect((await admin.counters()).fcm.accessTokensIssued).toBe(before + 1);
  });

  it('all waiting senders share one request to a slow token endpoint', async () => {
    const { admin } = bench.simulators;
    await admin.setFaults([{ match: { path: '/token' }, action: { delayMs: 200 } }]);
    const before = (await admin.counters()).fcm.accessTokensIssued;
    const sender = bench.openFcm();
    const sends = Array.from({ length: 10 }, (_, index) => collect(sender, recipients(100, index * 100)));
    expect(tally((await Promise.all(sends)).flat())).toEqual({ accept: 1_000 });
    expect((await admin.counters()).fcm.accessTokensIssued).toBe(before + 1);
  });
});
