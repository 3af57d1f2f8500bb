import { setImmediate as endOfTurn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { Gather } from './gather.js';

/** A gatherer whose runs end when the test ends them. */
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
  // A run begins at the end of the event loop turn after the one in which the last run ended.
  const settle = async () => {
    await endOfTurn();
    await endOfTurn();
  };
  return { gather, runs, settle };
}

it('items that arrive in one turn of the event loop or during a run share a run, and each gets its own result', async () => {
  const { gather, runs, settle } = gated();
  const asked = [gather.add(1), gather.add(2)];
  // Before the turn ends, like answers on other requests' sockets.
  await Promise.resolve();
  asked.push(gather.add(3));
  await settle();
  asked.push(gather.add(4), gather.add(5));
  await settle();
  expect(runs.map(({ items }) => items)).toEqual([[1, 2, 3]]);
  runs[0]!.end();
  await settle();
  expect(runs.map(({ items }) => items)).toEqual([
    [1, 2, 3],
    [4, 5],
  ]);
  runs[1]!.end();
  expect(await Promise.all(asked)).toEqual(['1', '2', '3', '4', '5']);
  const last = gather.add(6);
  await settle();
  expect(runs[2]?.items).toEqual([6]);
  runs[2]!.end();
  expect(await last).toBe('6');
});

it('a run that fails rejects its own items, and the next run starts', async () => {
  const { gather, runs, settle } = gated();
  const first = gather.add(1).catch((error: Error) => error.message);
  await settle();
  const second = gather.add(2);
  runs[0]!.end(new Error('away'));
  expect(await first).toBe('away');
  await settle();
  runs[1]!.end();
  expect(await second).toBe('2');
});

it('no run is larger than the maximum', async () => {
  const { gather, runs, settle } = gated(2);
  const asked = [1, 2, 3, 4, 5].map((item) => gather.add(item));
  for (let run = 0; run < 3; run++) {
    await settle();
    runs[run]!.end();
  }
  expect(runs.map(({ items }) => items)).toEqual([[1, 2], [3, 4], [5]]);
  await Promise.all(asked);
});

it('a run that never ends is given up: its items are rejected, and the next run starts', async () => {
  let runs = 0;
  const gather = new Gather<number, string>(
    (items) => (runs++ === 0 ? new Promise<string[]>(() => undefined) : Promise.resolve(items.map(String))),
    100,
    20,
  );
  const first = gather.add(1).catch((error: Error) => error.message);
  await endOfTurn();
  await endOfTurn();
  const second = gather.add(2);
  expect(await first).toBe('The database did not answer within 20 ms');
  expect(await second).toBe('2');
});
