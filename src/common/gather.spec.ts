import { expect, it } from 'vitest';
import { Gather } from './gather.js';

/** A gatherer whose runs end when the test says so. */
function gated(most = 100) {
  const runs: { items: readonly number[]; end: (error?: Error) => void }[] = [];
  const gather = new Gather<number, string>(
    (items) =>
      new Promise((resolve, reject) => {
        const end = (error?: Error): void => (error ? reject(error) : resolve(items.map(String)));
        runs.push({ items, end });
      }),
    most,
  );
  const settle = () => new Promise((done) => setImmediate(done));
  return { gather, runs, settle };
}

it('what arrives while a run is under way shares the next, and each gets its own result', async () => {
  const { gather, runs, settle } = gated();
  const asked = [1, 2, 3].map((item) => gather.add(item));
  expect(runs.map(({ items }) => items)).toEqual([[1]]);
  runs[0]!.end();
  await settle();
  expect(runs.map(({ items }) => items)).toEqual([[1], [2, 3]]);
  runs[1]!.end();
  expect(await Promise.all(asked)).toEqual(['1', '2', '3']);
  const last = gather.add(4);
  expect(runs[2]?.items).toEqual([4]);
  runs[2]!.end();
  expect(await last).toBe('4');
});

it('a run that fails is the failure of those in it, and the next goes on', async () => {
  const { gather, runs, settle } = gated();
  const [first, second] = [gather.add(1), gather.add(2)];
  const refused = first.catch((error: Error) => error.message);
  runs[0]!.end(new Error('away'));
  expect(await refused).toBe('away');
  await settle();
  runs[1]!.end();
  expect(await second).toBe('2');
});

it('no run is larger than the most', async () => {
  const { gather, runs, settle } = gated(2);
  const asked = [1, 2, 3, 4].map((item) => gather.add(item));
  for (let run = 0; run < 3; run++) {
    runs[run]!.end();
    await settle();
  }
  expect(runs.map(({ items }) => items)).toEqual([[1], [2, 3], [4]]);
  await Promise.all(asked);
});
