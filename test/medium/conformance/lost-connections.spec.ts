import { describe, expect, it } from 'vitest';
import { apnsId, apnsIdStart } from '../../../src/providers/apns/apns.payload.js';
import type { Sender } from '../../../src/providers/provider.js';
import { collect, notification, recipients, tally } from '../providers/sending.js';
import { until } from '../simulators/h2-client.js';
import { CALLS_AT_ONCE, MESSAGES, printFigures, sendUntilSettled, useSimulators, type Bench } from './conformance.js';

/** Open deliveries of one send call (src/providers/shared/fan-out.ts): the most that one cut leaves open. */
const OUTSTANDING = 250;

const bench = useSimulators();
const PROVIDERS: ['apns' | 'fcm', (bench: Bench) => Sender][] = [
  ['apns', ({ openApns }) => openApns()],
  ['fcm', ({ openFcm }) => openFcm()],
];

describe.each(PROVIDERS)('1. GOAWAY repeatedly at random last ids, %s', (provider, open) => {
  it('loses nothing and sends nothing twice', async () => {
    const { admin } = bench.simulators;
    const goaway = { goaway: '{"reason":"Shutdown"}' };
    // On any machine this is more often than every five seconds.
    await admin.setFaults([{ match: { provider, path: '/', probability: 1 / 1_000 }, action: goaway }]);
    const startedAt = performance.now();
    const sent = await sendUntilSettled(open(bench), MESSAGES);
    const seconds = Math.round((performance.now() - startedAt) / 1_000);
    const ledger = await admin.ledger(provider, 'm1');
    const goaways = (await admin.listFaults())[0]!.fired;
    const counters = (await admin.counters())[provider];
    const { distinct, repeats } = ledger;
    const { unanswered: refused, connectionsOpened: connections } = counters;
    const lost = MESSAGES - distinct;
    const figures = {
      conformance: 1,
      provider,
      sent: MESSAGES,
      lost,
      duplicates: repeats,
      goaways,
      refused,
      connections,
    };
    printFigures({ ...figures, seconds }, bench.simulators.pid);
    expect(sent).toEqual({ ambiguous: [], others: {} });
    expect(ledger).toMatchObject({ distinct: MESSAGES, repeats: 0, answersLost: 0 });
    expect(counters.protocolErrors).toBe(0);
    expect(goaways).toBeGreaterThan(MESSAGES / 2_000);
    expect(connections).toBeGreaterThan(MESSAGES / 4_000);
  });
});

describe.each(PROVIDERS)('2. Connections cut during requests, %s', (provider, open) => {
  it.each(['fin', 'tcpReset'] as const)('%s: nothing is lost, and unclear results are ambiguous', async (command) => {
    const { admin } = bench.simulators;
    await admin.changeSettings({ [provider]: { latencyMs: 15 } });
    let finished = false;
    const sending = sendUntilSettled(open(bench), MESSAGES).finally(() => (finished = true));
    let cuts = 0;
    for (let next = 1_000; !finished; next += MESSAGES / 5) {
      const accepted = async (): Promise<number> => (await admin.counters())[provider].accepted;
      await until(accepted, (count) => count >= next || finished);
      if (!finished) cuts += await admin.commandConnections(command, { provider, inFlight: 'half' });
    }
    const { ambiguous, others } = await sending;
    expect(cuts).toBeGreaterThanOrEqual(4);
    expect(others).toEqual({});
    const ledger = await admin.ledger(provider, 'm1');
    expect(ledger.distinct).toBe(MESSAGES);
    expect(ledger.answersLost).toBeGreaterThan(0);
    // A cut also loses answers in transit, so there are more repeats than the ledger calls lost.
    expect(ledger.repeats).toBeGreaterThanOrEqual(ledger.answersLost);
    expect(ledger.repeats).toBeLessThanOrEqual(ambiguous.length);
    expect(ambiguous.length).toBeLessThanOrEqual(cuts * CALLS_AT_ONCE * OUTSTANDING);
    const unclear = new Set(ambiguous.map(({ token }) => token));
    const repeated = await admin.ledgerRepeats(provider, 'm1');
    expect(repeated.filter(({ token }) => !unclear.has(token))).toEqual([]);
  });

  it('a repeat has the apns-id of the first attempt', async () => {
    const { admin } = bench.simulators;
    await admin.setFaults([
      { match: { provider, path: provider === 'fcm' ? '/v1' : '/3', nth: 120 }, action: { acceptThenCut: 'rst' } },
    ]);
    const { ambiguous } = await sendUntilSettled(open(bench), 200);
    expect(ambiguous).toHaveLength(1);
    const { token } = ambiguous[0]!;
    const entries = (await admin.lastAccepted(provider, 1_000)).filter((entry) => entry.token === token);
    expect(entries.map(({ answerLost }) => answerLost)).toEqual([false, true]);
    expect(entries.map(({ collapseId }) => collapseId)).toEqual(['m1', 'm1']);
    if (provider === 'apns')
      expect(entries.map(({ providerId }) => providerId)).toEqual(Array(2).fill(apnsId(apnsIdStart('m1'), token)));
  });
});

describe('3. SETTINGS_MAX_CONCURRENT_STREAMS', () => {
  it('1000 → 1 → 1000 under load: no violation, and all streams are used again', async () => {
    const { admin } = bench.simulators;
    await admin.changeSettings({ apns: { latencyMs: 20 } });
    const sender = bench.openApns();
    const count = 5_000;
    const sending = collect(sender, recipients(count), { message: notification('m1') });
    const accepted = async (): Promise<number> => (await admin.counters()).apns.accepted;
    await until(accepted, (n) => n >= 1_000);
    await admin.changeSettings({ apns: { streams: 1 } });
    const atDrop = await accepted();
    // Requests that were open at the drop are answered; afterwards they go one by one.
    await until(accepted, (n) => n >= Math.min(atDrop + OUTSTANDING + 5, count));
    expect(await accepted()).toBeLessThan(count);
    await admin.changeSettings({ apns: { streams: 1000 } });
    expect(tally(await sending)).toEqual({ accept: count });
    expect((await admin.counters()).apns).toMatchObject({ accepted: count, protocolErrors: 0 });

    await admin.reset();
    await admin.changeSettings({ apns: { streams: 1, latencyMs: 20 } });
    await collect(sender, recipients(40));
    expect((await admin.counters()).apns).toMatchObject({ accepted: 40, peakStreams: 1, protocolErrors: 0 });
    await admin.reset();
    await admin.changeSettings({ apns: { latencyMs: 20 } });
    await collect(sender, recipients(3_000));
    const recovered = (await admin.counters()).apns;
    expect(recovered).toMatchObject({ accepted: 3_000, protocolErrors: 0 });
    // Shared with the few connections that were opened while each carried one stream.
    expect(recovered.peakStreams).toBeGreaterThan(100);
  });
});
