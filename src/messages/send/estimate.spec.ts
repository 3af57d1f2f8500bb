import { expect, it } from 'vitest';
import { estimate } from './estimate.js';
import type { ProviderLimits } from './estimate.js';

const NOW = 1_700_000_000_000;
const MINUTE = 60_000;
const LIMITS: ProviderLimits = {
  provider: 'apns',
  ramp: undefined,
  pausedReason: null,
  pace: null,
  blockedUntil: null,
  traffic: { lastSuccessAt: NOW, proven: null },
  ahead: 0,
};
const STEADY = { perSecond: 100, growth: 1, changedAt: NOW, lapsesAt: NOW + 60 * MINUTE };

function estimated(count: number, limits: Partial<ProviderLimits> = {}, from = NOW, workerSeenAt: number | null = NOW) {
  return estimate([{ limits: { ...LIMITS, ...limits }, count }], { at: NOW, from, workerSeenAt });
}

it.each<[string, ReturnType<typeof estimated>, number | null, object]>([
  ['at a usual speed', estimated(60_000), MINUTE, { kind: 'speed', perSecond: 1_000 }],
  [
    'at the speed that the provider accepted lately',
    estimated(60_000, { traffic: { lastSuccessAt: NOW, proven: { perSecond: 6_000, at: NOW } } }),
    10_000,
    { kind: 'speed', perSecond: 6_000 },
  ],
  [
    'at the usual speed if lately there was little to send',
    estimated(60_000, { traffic: { lastSuccessAt: NOW, proven: { perSecond: 1, at: NOW } } }),
    MINUTE,
    { kind: 'speed', perSecond: 1_000 },
  ],
  ['after what is under way', estimated(6_000, { ahead: 54_000 }), MINUTE, { kind: 'speed' }],
  ['at the pace of the provider', estimated(6_000, { pace: STEADY }), MINUTE, { kind: 'pace', perSecond: 100 }],
  [
    'after the time that the provider named',
    estimated(6_000, { pace: STEADY, blockedUntil: NOW + MINUTE }),
    2 * MINUTE,
    { kind: 'pace', until: NOW + MINUTE },
  ],
  [
    'at the gradual start that the provider asks for',
    estimated(10_000, {
      ramp: { from: 100, to: 1_000, overMs: MINUTE },
      traffic: { lastSuccessAt: null, proven: null },
    }),
    // 100 · (e^(kt) - 1) / k = 10,000 with k = ln 10 / 60 s.
    (Math.log(1 + (10_000 * Math.LN10) / 60 / 100) / (Math.LN10 / 60)) * 1_000,
    { kind: 'pace', perSecond: 100 },
  ],
  [
    'at the time of sending, if the deliveries take less',
    estimated(60_000, {}, NOW + 60 * MINUTE),
    61 * MINUTE,
    { kind: 'time', until: NOW + 60 * MINUTE },
  ],
  ['never told while the provider is paused', estimated(1, { pausedReason: 'no' }), null, { kind: 'provider' }],
  ['never told without a worker', estimated(1, {}, NOW, NOW - 2 * MINUTE), null, { kind: 'worker' }],
])('the end is %s', (_name, found, after, binding) => {
  if (after === null) expect(found?.finishAt).toBeNull();
  else expect((found?.finishAt ?? 0) - NOW).toBeCloseTo(after, 0);
  expect(found?.binding).toMatchObject(binding);
});

it('the provider that ends last decides; without devices there is no end', () => {
  const shares = [
    { limits: LIMITS, count: 1_000 },
    { limits: { ...LIMITS, provider: 'fcm' as const }, count: 5_000 },
  ];
  const found = estimate(shares, { at: NOW, from: NOW, workerSeenAt: NOW });
  expect(found).toEqual({ finishAt: NOW + 5_000, binding: { kind: 'speed', provider: 'fcm', perSecond: 1_000 } });
  expect(estimated(0)).toBeNull();
});
