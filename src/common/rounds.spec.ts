import { Logger } from '@nestjs/common';
import { describe, expect, it, vi } from 'vitest';
import { Rounds } from './rounds.js';

const silent = new Logger('Test');
silent.warn = () => undefined;

it('rounds never overlap, and a failed round does not stop the next', async () => {
  let begun = 0;
  let fail = (_error: Error): void => undefined;
  const first = new Promise<void>((_resolve, reject) => (fail = reject));
  const rounds = new Rounds(silent, 'Counting', () => (begun++ === 0 ? first : Promise.resolve()));
  const failed = rounds.go();
  await rounds.go();
  expect(begun).toBe(1);
  fail(new Error('the database is away'));
  await failed;
  await rounds.go();
  expect(begun).toBe(2);
});

it('the end waits for the current step, and no step follows', async () => {
  const steps: string[] = [];
  let finish = (_more: boolean): void => undefined;
  const more = new Promise<boolean>((resolve) => (finish = resolve));
  const rounds: Rounds = new Rounds(silent, 'Counting', () =>
    rounds.repeat(async () => {
      steps.push('begun');
      await more;
      steps.push('done');
      return more;
    }),
  );
  void rounds.go();
  const ended = rounds.end().then(() => steps.push('ended'));
  finish(true);
  await ended;
  await rounds.go();
  expect(steps).toEqual(['begun', 'done', 'ended']);
});

it('rounds come at each interval without an overlap, and none after the end', async () => {
  vi.useFakeTimers();
  try {
    let begun = 0;
    let finish = (): void => undefined;
    const first = new Promise<void>((resolve) => (finish = resolve));
    const rounds = new Rounds(silent, 'Counting', () => (begun++ === 0 ? first : Promise.resolve()));
    rounds.every(1_000);
    await vi.advanceTimersByTimeAsync(999);
    expect(begun).toBe(0);
    await vi.advanceTimersByTimeAsync(3_001);
    expect(begun).toBe(1);
    finish();
    await vi.advanceTimersByTimeAsync(2_000);
    expect(begun).toBe(3);
    await rounds.end();
    rounds.every(1_000);
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});

describe('a round that does not return', () => {
  const warned = (): { log: Logger; words: string[] } => {
    const log = new Logger('Test');
    const words: string[] = [];
    log.warn = (text: string) => void words.push(text);
    return { log, words };
  };

  it('is given up, logged, and followed by the next', async () => {
    const { log, words } = warned();
    let begun = 0;
    const never = new Promise<void>(() => undefined);
    const rounds = new Rounds(log, 'Counting', () => (begun++ === 0 ? never : Promise.resolve()), 20);
    await rounds.go();
    expect(words).toEqual(['Counting failed, the next round repeats it: Counting did not answer within 20 ms']);
    await rounds.go();
    expect(begun).toBe(2);
    expect(words).toHaveLength(1);
  });

  it('is not given up while its steps progress', async () => {
    const { log, words } = warned();
    let steps = 0;
    const step = async (): Promise<boolean> => {
      await new Promise((resolve) => setTimeout(resolve, 10));
      return ++steps < 10;
    };
    const rounds: Rounds = new Rounds(log, 'Counting', () => rounds.repeat(step), 50);
    await rounds.go();
    expect(steps).toBe(10);
    expect(words).toEqual([]);
  });
});
