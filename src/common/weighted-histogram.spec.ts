import { Histogram, Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { WeightedHistogram } from './weighted-histogram.js';

it('writes the same lines as a histogram that counts each value by itself', async () => {
  const [own, usual] = [new Registry(), new Registry()];
  const bounds = [0.1, 1, 10];
  const weighted = new WeightedHistogram<'lane'>('wait_seconds', 'A wait', bounds, own);
  const plain = new Histogram({
    name: 'wait_seconds',
    help: 'A wait',
    buckets: bounds,
    labelNames: ['lane'],
    registers: [usual],
  });
  const lane = 'urgent';
  for (const [value, times] of [
    [0.05, 3],
    [0.1, 1],
    [4, 2],
    [11, 5],
  ] as const) {
    weighted.of({ lane }).observe(value, times);
    for (let time = 0; time < times; time++) plain.observe({ lane }, value);
  }
  const linesOf = async (registry: Registry) => (await registry.metrics()).trim().split('\n').map(inOrder);
  expect(await linesOf(own)).toEqual(await linesOf(usual));
});

/** Labels by name, because their order has no meaning. */
function inOrder(line: string): string {
  return line.replace(/\{(.*)\}/, (_all, labels: string) => `{${labels.split(',').toSorted().join(',')}}`);
}
