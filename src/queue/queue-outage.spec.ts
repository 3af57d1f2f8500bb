import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { QueueOutage } from './queue-outage.js';
import { JobFailure } from './steady-worker.js';

const said: string[] = [];
let isAway = false;
let pings = 0;
const ping = (): Promise<void> => {
  pings++;
  return isAway ? Promise.reject(new Error('not writeable')) : Promise.resolve();
};
const REFUSED = new Error('connect ECONNREFUSED 127.0.0.1:6379');

beforeEach(() => {
  vi.useFakeTimers();
  [said.length, isAway, pings] = [0, false, 0];
  const tell = (line: unknown): void => void said.push(typeof line === 'string' ? line : (line as { msg: string }).msg);
  for (const level of ['log', 'warn', 'error'] as const) vi.spyOn(Logger.prototype, level).mockImplementation(tell);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

it('errors of many connections are one outage, which is over when the queue takes writes again', async () => {
  const outage = new QueueOutage(false, ping);
  isAway = true;
  for (let n = 0; n < 17; n++) outage.note(REFUSED);
  await vi.advanceTimersByTimeAsync(30_000);
  expect(said).toEqual(['The queue cannot be used: connect ECONNREFUSED 127.0.0.1:6379']);
  await vi.advanceTimersByTimeAsync(35_000);
  isAway = false;
  await vi.advanceTimersByTimeAsync(15_000);
  expect(said.slice(1)).toEqual([
    expect.stringMatching(/^The queue cannot be used \(for 1 min, \d+ failures in the last\): not writeable$/),
    'The queue can be used again, after 66 s',
  ]);
  const before = pings;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(pings).toBe(before);
});

it('an error while the queue takes writes is a line of its own', async () => {
  const outage = new QueueOutage(false, ping);
  outage.note(new Error('Missing lock for job 7'));
  await vi.advanceTimersByTimeAsync(0);
  outage.note(new JobFailure(new Error('of ours')));
  expect(said).toEqual(['Missing lock for job 7', 'A job failed: of ours']);
});

it('a Redis that is on and off every 3 s for a minute gives one line a minute, and none for a probe', async () => {
  const outage = new QueueOutage(false, ping);
  for (let n = 0; n < 10; n++) {
    isAway = true;
    outage.note(REFUSED);
    await vi.advanceTimersByTimeAsync(3_000);
    isAway = false;
    await vi.advanceTimersByTimeAsync(3_000);
  }
  await vi.advanceTimersByTimeAsync(30_000);
  expect(said).toHaveLength(3);
  expect(said[2]).toMatch(/^The queue can be used again, after 5\d s$/);
});
