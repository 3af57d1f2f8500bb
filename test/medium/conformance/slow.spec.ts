import { expect, it } from 'vitest';
import { collect, recipients, tally } from '../providers/sending.js';
import { useSimulators } from './conformance.js';

const bench = useSimulators();

it('a slow provider with few streams gets each delivery once, and none is ambiguous', async () => {
  const { admin } = bench.simulators;
  // One connection opens per second: the last of 80 deliveries is written about 16 s after the first.
  await admin.changeSettings({ fcm: { streams: 1, latencyMs: 2_000, latencySigma: 0 } });
  expect(tally(await collect(bench.openFcm(), recipients(80)))).toEqual({ accept: 80 });
  expect(await admin.ledger('fcm')).toMatchObject({ accepted: 80, distinct: 80 });
});

it('a message is in the ledger on arrival, even if its answer takes longer than the sender waits', async () => {
  const { admin } = bench.simulators;
  await admin.setFaults([{ match: { path: '/3' }, action: { delayMs: 60_000 } }]);
  const sending = collect(bench.openApns(), recipients(1));
  await expect.poll(async () => (await admin.ledger('apns')).accepted, { timeout: 30_000 }).toBe(1);
  expect(tally(await sending)).toEqual({ 'ambiguous no answer within 15000 ms': 1 });
  await expect.poll(() => admin.ledger('apns')).toMatchObject({ accepted: 1, answersLost: 1 });
});
