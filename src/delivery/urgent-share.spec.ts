import { expect, it } from 'vitest';
import { UrgentShare } from './urgent-share.js';

const ranks = (share: UrgentShare, id: string, count: number, now = 0) =>
  Array.from({ length: count }, () => share.rankNext(id, now));

it('gives no rank to 200 batches at once, and the next rank to each further 200', () => {
  const all = ranks(new UrgentShare(), 'a', 700);
  expect(all.slice(0, 200)).toEqual(Array(200).fill(undefined));
  expect([all[200], all[399], all[400], all[599], all[699]]).toEqual([1, 1, 2, 2, 3]);
});

it('a flood of one application gives no rank to another application', () => {
  const share = new UrgentShare();
  expect(ranks(share, 'flood', 50_000).at(-1)).toBe(64);
  expect(share.rankNext('neighbour', 0)).toBeUndefined();
});

it('gives no rank at 200 a second, whatever the total', () => {
  const share = new UrgentShare();
  for (let second = 0; second < 100; second++)
    expect(ranks(share, 'steady', 200, second * 1_000)).toEqual(Array(200).fill(undefined));
  expect(share.rankNext('steady', 99_000)).toBe(1);
});

it('forgets a flood at the rate at which its batches would leave', () => {
  const share = new UrgentShare();
  ranks(share, 'a', 2_000);
  expect(share.rankNext('a', 8_000)).toBe(2);
  expect(share.rankNext('a', 10_000)).toBeUndefined();
});

it('remembers ten thousand applications, and drops the quiet ones first', () => {
  const share = new UrgentShare();
  ranks(share, 'flood', 5_000);
  for (let n = 0; n < 20_000; n++) share.rankNext(`quiet ${n}`, n);
  expect((share as unknown as { levels: Map<string, unknown> }).levels.size).toBeLessThanOrEqual(10_000);
  expect(share.rankNext('flood', 20_000)).toBeGreaterThan(1);
});
