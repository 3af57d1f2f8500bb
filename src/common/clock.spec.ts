import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';

const SRC = fileURLToPath(new URL('..', import.meta.url));

// oxlint.config.mjs refuses Date.now(); oxlint has no rule for `new Date()`.
it('of the server only clock.ts reads the host’s time', () => {
  const asking = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter(
    (file) =>
      file.endsWith('.ts') &&
      !file.endsWith('.spec.ts') &&
      // These run in the processes of callers.
      !/^(?:client|cli)\//.test(file) &&
      /\bDate\.now\b|\bnew Date\(\s*\)|\bnew Date\b(?!\()|\bDate\(\)/.test(readFileSync(`${SRC}/${file}`, 'utf8')),
  );
  expect(asking).toEqual(['common/clock.ts']);
});

// Other files of the process have a wall clock of their own.
beforeEach(() => void vi.resetModules());
afterEach(() => void vi.resetModules());

it('a change of seconds in either direction counts as a step, a correction of the network’s delay does not', async () => {
  const { Clock, setWallClock } = await import('./clock.js');
  const clock = new Clock();
  const stepsAfter = (epochMs: number): number => {
    const before = clock.steps();
    setWallClock(epochMs, 1_000);
    return clock.steps() - before;
  };
  setWallClock(Date.UTC(2027, 0, 1), 1_000);
  expect(stepsAfter(Date.UTC(2027, 0, 1) + 3_000)).toBe(0);
  expect(stepsAfter(Date.UTC(2027, 0, 1) + 6_001)).toBe(1);
  expect(stepsAfter(Date.UTC(2027, 0, 1))).toBe(1);
  expect(stepsAfter(Date.UTC(1970, 0, 1))).toBe(1);
});
