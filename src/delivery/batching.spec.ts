import fc from 'fast-check';
import { expect, it } from 'vitest';
import { PROVIDER_NAMES } from '../providers/provider.js';
import { BATCH_SIZE, cutBatches } from './batching.js';

it('an empty audience makes no batch', () => {
  expect(cutBatches([])).toEqual([]);
});

it('opens a batch per provider, in the order of their first members', () => {
  expect(
    cutBatches([
      { seq: 1, provider: 'fcm' },
      { seq: 2, provider: 'apns' },
      { seq: 5, provider: 'fcm' },
    ]),
  ).toEqual([
    { provider: 'fcm', deviceSeqs: [1, 5] },
    { provider: 'apns', deviceSeqs: [2] },
  ]);
});

it('a batch holds a thousand members, and one more opens the next', () => {
  const members = Array.from({ length: 2 * BATCH_SIZE + 1 }, (_, index) => ({
    seq: index + 1,
    provider: 'apns' as const,
  }));
  expect(cutBatches(members.slice(0, BATCH_SIZE)).map((batch) => batch.deviceSeqs.length)).toEqual([1_000]);
  expect(cutBatches(members).map((batch) => batch.deviceSeqs.length)).toEqual([1_000, 1_000, 1]);
});

it('each member is in one batch of its provider, and the order within a provider stays', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...PROVIDER_NAMES), { maxLength: 4_000, size: 'max' }), (providers) => {
      const members = providers.map((provider, index) => ({ seq: index * 3 + 1, provider }));
      const batches = cutBatches(members);
      for (const name of PROVIDER_NAMES) {
        const own = batches.filter((batch) => batch.provider === name);
        const expected = members.filter((member) => member.provider === name).map((member) => member.seq);
        expect(own.flatMap((batch) => batch.deviceSeqs)).toEqual(expected);
        expect(own).toHaveLength(Math.ceil(expected.length / BATCH_SIZE));
      }
    }),
    { numRuns: 40 },
  );
});
