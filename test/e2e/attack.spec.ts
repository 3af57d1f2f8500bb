import { describe, expect, it } from 'vitest';
import { runAttacks } from '../../bench/attack/run.js';
import { MissingProgram } from '../../bench/attack/stage.js';

const ATTACK_MS = 1_000;

/** The short form of `npm run attack`, without the neighbour's p99: in a second it is the slowest of forty requests. */
describe('attacks of callers and push services', () => {
  it('lose no message of a neighbour, hold no event loop for 50 ms, and get nothing', async ({ skip }) => {
    const lines: string[] = [];
    const rows = await runAttacks({ attackMs: ATTACK_MS, log: (line) => void lines.push(line) }).catch(
      (error: unknown) => {
        if (error instanceof MissingProgram && process.env.CI !== 'true') skip(error.message);
        throw error;
      },
    );
    const broken = rows.flatMap((row) => row.broken.filter((words) => !words.includes('p99')));
    expect(broken, lines.join('\n')).toEqual([]);
    expect(rows.length).toBeGreaterThan(25);
  }, 400_000);
});
