import { Logger } from '@nestjs/common';
import { expect, it } from 'vitest';
import { Rounds } from './rounds.js';

const silent = new Logger('Test');
silent.warn = () => undefined;

it('one round at a time, and a failed one ends nothing', async () => {
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

it('the end waits for the step under way, and none follows', async () => {
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
