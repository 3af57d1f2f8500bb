import { describe, expect, it } from 'vitest';
import { runAttacks } from '../../bench/attack/run.js';
import { MissingProgram } from '../../bench/attack/stage.js';

const ATTACK_MS = 1_000;

/** Twice the limit of `npm run attack`: in its first seconds the program runs code that is not compiled yet. */
const LONGEST_TURN_MS = 100;

/**
 * The short form of `npm run attack`, without the p99 of the other application, which would be the slowest of forty
 * requests. event-loop.spec.ts measures how long a request holds the event loop.
 */
describe('attacks of callers and push services', () => {
  it('lose no message of another application, hold no event loop for 100 ms, and get nothing', async ({ skip }) => {
    const lines: string[] = [];
    const rows = await runAttacks({
      attackMs: ATTACK_MS,
      judgesP99: false,
      log: (line) => void lines.push(line),
    }).catch((error: unknown) => {
      if (error instanceof MissingProgram && process.env.CI !== 'true') skip(error.message);
      throw error;
    });
    const broken = rows.flatMap((row) => row.broken.filter((words) => !/held for/.test(words)));
    expect(broken, lines.join('\n')).toEqual([]);
    for (const { attack, apiMs, workerMs } of rows)
      expect(Math.max(apiMs, workerMs), `${attack}\n${lines.join('\n')}`).toBeLessThan(LONGEST_TURN_MS);
    expect(rows.length).toBeGreaterThan(25);
  }, 400_000);
});
