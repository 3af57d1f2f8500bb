import { Writable } from 'node:stream';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { LogOutput } from './output.js';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const tell = (dropped: number): string => `${dropped} dropped\n`;

/** A pipe whose reader reads when the test says so. */
class Pipe extends Writable {
  readonly read: string[] = [];
  waiting: (() => void)[] = [];
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.read.push(chunk.toString());
    this.waiting.push(done);
  }
  drain(): void {
    for (const done of this.waiting.splice(0)) done();
  }
}

it('the lines of one turn are written together, in order', async () => {
  const pipe = new Pipe();
  const output = new LogOutput(pipe, tell);
  for (const line of ['a\n', 'b\n']) output.write(line);
  expect(pipe.read).toEqual([]);
  await turn();
  expect(pipe.read).toEqual(['a\nb\n']);
});

it('a reader that stands still costs bounded memory, and learns how many lines it missed', async () => {
  const pipe = new Pipe();
  const output = new LogOutput(pipe, tell);
  const line = `${'x'.repeat(1_023)}\n`;
  for (let round = 0; round < 100; round++) {
    for (let n = 0; n < 100; n++) output.write(line);
    await turn();
  }
  expect(pipe.writableLength).toBeLessThan(4.1 * 2 ** 20);
  const kept = Math.round(pipe.writableLength / 1_024);
  // Not even the count is added while the pipe is full.
  vi.advanceTimersByTime(60_000);
  expect(pipe.writableLength).toBeLessThan(4.1 * 2 ** 20);
  for (let n = 0; n < 200; n++) {
    pipe.drain();
    await turn();
  }
  vi.advanceTimersByTime(10_000);
  await turn();
  expect(pipe.read.at(-1)).toBe(`${10_000 - kept} dropped\n`);
});

it('lines of a failed write are counted, and the count is told when a write succeeds', async () => {
  const read: string[] = [];
  let isFull = true;
  const disk = {
    writableLength: 0,
    on: () => disk,
    write: (text: string, done: (error?: Error) => void): boolean => {
      if (!isFull) read.push(text);
      done(isFull ? new Error('ENOSPC') : undefined);
      return true;
    },
  };
  const output = new LogOutput(disk as unknown as Writable, tell);
  for (const line of ['a\n', 'b\n', 'c\n']) output.write(line);
  await turn();
  vi.advanceTimersByTime(10_000);
  isFull = false;
  vi.advanceTimersByTime(10_000);
  output.write('d\n');
  await turn();
  expect(read).toEqual(['3 dropped\n', 'd\n']);
});
