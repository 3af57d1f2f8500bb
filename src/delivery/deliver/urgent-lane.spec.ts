import { expect, it } from 'vitest';
import { UrgentLane } from './urgent-lane.js';
import type { UrgentBatch } from './urgent-lane.js';

/** Batches whose claims and sends end when the test says so. */
class Batches {
  readonly claimed: number[] = [];
  readonly nothingToDo = new Set<number>();
  private readonly ends = new Map<number, () => void>();

  readonly begin = (id: number): Promise<(() => Promise<void>) | null> => {
    this.claimed.push(id);
    if (this.nothingToDo.has(id)) return Promise.resolve(null);
    return Promise.resolve(() => new Promise<void>((resolve) => this.ends.set(id, resolve)));
  };

  end(id: number): void {
    this.ends.get(id)?.();
  }
}

const batchesFrom = (first: number, count: number, applicationId = 'app'): UrgentBatch[] =>
  Array.from({ length: count }, (_, index) => ({ id: first + index, applicationId }));
const batch = (id: number, applicationId = 'app'): UrgentBatch => ({ id, applicationId });
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it('a job ends when its batches are claimed, while they are still being sent', async () => {
  const batches = new Batches();
  const lane = new UrgentLane('apns', batches);
  await lane.take([batch(1), batch(2)]);
  expect(batches.claimed).toEqual([1, 2]);
  let settled = false;
  const settling = lane.settle().then(() => (settled = true));
  batches.end(1);
  await turn();
  expect(settled).toBe(false);
  batches.end(2);
  await settling;
});

it('claims of one application no more than half of the 512 places, and the next as soon as one has ended', async () => {
  const batches = new Batches();
  const lane = new UrgentLane('apns', batches);
  for (let first = 1; first <= 256; first += 64) await lane.take(batchesFrom(first, 64));
  const [next, afterNext] = [lane.take([batch(2_000)]), lane.take([batch(2_001)])];
  await turn();
  expect(batches.claimed).toHaveLength(256);
  batches.end(7);
  await next;
  expect(batches.claimed.at(-1)).toBe(2_000);
  batches.end(2_000);
  await afterNext;
  expect(batches.claimed.at(-1)).toBe(2_001);
});

it('applications whose provider does not answer leave places to each further one', async () => {
  const batches = new Batches();
  const lane = new UrgentLane('apns', batches);
  for (const [index, name] of ['a', 'b', 'c', 'd'].entries()) {
    void lane.take(batchesFrom(index * 1_000, 1_000, name));
    await turn();
  }
  expect(batches.claimed).toHaveLength(256 + 128 + 64 + 32);
  await lane.take([batch(9_000, 'e')]);
  expect(batches.claimed.at(-1)).toBe(9_000);
});

it('an application gets the places of others when they have ended', async () => {
  const batches = new Batches();
  const lane = new UrgentLane('apns', batches);
  await lane.take(batchesFrom(1, 200, 'b'));
  void lane.take(batchesFrom(1_000, 400, 'a'));
  await turn();
  expect(batches.claimed).toHaveLength(200 + 156);
  for (const { id } of batchesFrom(1, 200)) batches.end(id);
  await turn();
  batches.end(1_000);
  await turn();
  expect(batches.claimed).toHaveLength(200 + 257);
});

it('a stop ends the waits without a claim', async () => {
  const batches = new Batches();
  const lane = new UrgentLane('apns', batches);
  const job = lane.take(batchesFrom(1, 300));
  await turn();
  lane.stop();
  await job;
  await lane.take([batch(1_000)]);
  expect(batches.claimed).toHaveLength(256);
});

it('a batch with nothing to do, and one whose claim fails, free their places', async () => {
  const batches = new Batches();
  for (const { id } of batchesFrom(1, 5_000)) batches.nothingToDo.add(id);
  const lane = new UrgentLane('apns', batches);
  for (let first = 1; first < 5_000; first += 100) await lane.take(batchesFrom(first, 100));
  const failing = new UrgentLane('apns', { begin: () => Promise.reject(new Error('the database is away')) });
  for (let job = 0; job < 30; job++)
    await expect(failing.take(batchesFrom(1, 64))).rejects.toThrow('the database is away');
});

it('a failed claim rejects the job after the other claims have ended, and the others are sent', async () => {
  const batches = new Batches();
  const lane = new UrgentLane('apns', {
    begin: (id) => (id === 1 ? Promise.reject(new Error('refused')) : batches.begin(id)),
  });
  await expect(lane.take([batch(1), batch(2)])).rejects.toThrow('refused');
  const settling = lane.settle();
  batches.end(2);
  await settling;
  expect(batches.claimed).toEqual([2]);
});
