import { generateKeyPairSync } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ApnsProvider } from '../../../src/providers/apns/apns.provider.js';
import type { Sender } from '../../../src/providers/provider.js';
import { PushPeer } from '../providers/push-peer.js';
import { collect, recipients, tally } from '../providers/sending.js';
import { until } from '../simulators/h2-client.js';
import { useSimulators } from './conformance.js';

const MINUTE_MS = 60_000;

describe('5. Provider tokens over hours', () => {
  const PROCESSES = 8;
  const APPLICATIONS = 3;
  const START = Date.UTC(2026, 0, 1);
  let peer: PushPeer;
  let processes: Sender[][];

  beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: START }));
  afterEach(async () => {
    vi.useRealTimers();
    await Promise.all(processes.flat().map((sender) => sender.close()));
    await peer.close();
  });

  it('at most one new JWT for a team in 20 minutes of each process, and none that Apple would call expired', async () => {
    /** By process: each JWT with its `iat`, and how old it was when last used. */
    const seen = Array.from({ length: PROCESSES }, () => new Map<string, { iat: number; oldest: number }>());
    peer = await PushPeer.start(({ headers }) => {
      const [, process] = /^p(\d+)\./.exec(String(headers['apns-topic']))!;
      const jwt = String(headers.authorization).slice('bearer '.length);
      const { iat } = JSON.parse(Buffer.from(jwt.split('.')[1]!, 'base64url').toString()) as { iat: number };
      seen[Number(process)]!.set(jwt, { iat, oldest: Date.now() - iat * 1_000 });
      return { status: 200 };
    });
    const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' });
    const team = { key, keyId: 'KEY1234567', teamId: 'TEAM123456' };
    // What a process has is one ApnsProvider; its applications of one team have a sender each.
    const providers = Array.from({ length: PROCESSES }, () => {
      return new ApnsProvider({ productionUrl: peer.url, sandboxUrl: peer.url, ca: peer.ca });
    });
    const openSender = (process: number, application: number): Sender => {
      const settings = { ...team, bundleId: `p${process}.a${application}` };
      return providers[process]!.open(providers[process]!.parseSettings(settings));
    };
    processes = providers.map((_, process) => {
      return Array.from({ length: APPLICATIONS }, (__, application) => openSender(process, application));
    });

    for (let minute = 0; minute < 180; minute += 2) {
      vi.setSystemTime(START + minute * MINUTE_MS);
      const application = (minute / 2) % APPLICATIONS;
      await Promise.all(
        processes.map(async (senders, process) => {
          // Processes start one after the other, and reopen a sender now and then, as after a change of settings.
          if (minute < process * 4) return;
          if (minute % 14 === 0) {
            await senders[application]!.close();
            senders[application] = openSender(process, application);
          }
          expect(tally(await collect(senders[application]!, recipients(2)))).toEqual({ accept: 2 });
        }),
      );
    }

    for (const jwts of seen) {
      const tokens = [...jwts.values()].toSorted((a, b) => a.iat - b.iat);
      expect(tokens.length).toBeGreaterThanOrEqual(3);
      expect(Math.max(...tokens.map(({ oldest }) => oldest))).toBeLessThan(60 * MINUTE_MS);
      const gaps = tokens.slice(1).map(({ iat }, index) => (iat - tokens[index]!.iat) * 1_000);
      expect(Math.min(...gaps)).toBeGreaterThanOrEqual(20 * MINUTE_MS);
    }
  });
});

describe('9. Access tokens at peak', () => {
  const bench = useSimulators();

  it('expired in the middle: one token request, no failed message', async () => {
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

  it('a slow token endpoint is asked once by all who wait', async () => {
    const { admin } = bench.simulators;
    await admin.setFaults([{ match: { path: '/token' }, action: { delayMs: 200 } }]);
    const before = (await admin.counters()).fcm.accessTokensIssued;
    const sender = bench.openFcm();
    const sends = Array.from({ length: 10 }, (_, index) => collect(sender, recipients(100, index * 100)));
    expect(tally((await Promise.all(sends)).flat())).toEqual({ accept: 1_000 });
    expect((await admin.counters()).fcm.accessTokensIssued).toBe(before + 1);
  });
});
