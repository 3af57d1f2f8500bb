import { expect, it } from 'vitest';
import { Turnstile } from './turnstile.js';

/** Work that ends when the test ends it. */
function jobs(turnstile: Turnstile, count: number) {
  const started: number[] = [];
  const ends: (() => void)[] = [];
  const done = Array.from({ length: count }, (_, index) =>
    turnstile.pass(() => {
      started.push(index);
      return new Promise<void>((end) => (ends[index] = end));
    }),
  );
  return { started, ends, done };
}

it('runs a few at once and the others in their order', async () => {
  const turnstile = new Turnstile(2, 10);
  const { started, ends, done } = jobs(turnstile, 4);
  expect(started).toEqual([0, 1]);
  ends[1]!();
  await done[1];
  expect(started).toEqual([0, 1, 2]);
  ends[0]!();
  await done[0];
  expect(started).toEqual([0, 1, 2, 3]);
  ends[2]!();
  ends[3]!();
  await Promise.all(done);
  expect(jobs(turnstile, 3).started).toEqual([0, 1]);
});

it('is full if too many wait', () => {
  const turnstile = new Turnstile(1, 2);
  jobs(turnstile, 2);
  expect(turnstile.isFull()).toBe(false);
  jobs(turnstile, 1);
  expect(turnstile.isFull()).toBe(true);
});

it('work that fails passes its place on', async () => {
  const turnstile = new Turnstile(1, 10);
  await expect(turnstile.pass(() => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  expect(await turnstile.pass(() => Promise.resolve('next'))).toBe('next');
});
