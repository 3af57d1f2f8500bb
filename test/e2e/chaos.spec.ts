import { describe, expect, it } from 'vitest';
import { runChaos } from '../../bench/chaos/run.js';
import { MissingProgram } from '../../bench/chaos/stage.js';
import type { Place } from '../../bench/chaos/stage.js';

/** The short form of `npm run chaos`: every fault once, under one seed. It restarts servers, so it starts its own. */

const SEED = 20_261_123;
const DEVICES = 4_000;
const PLACES: Place[] = [
  { database: 'embedded', queue: 'postgres' },
  { database: 'servers', queue: 'redis' },
];

describe.each(PLACES)('faults on $database', (place) => {
  it('lose nothing, repeat only requests that were in flight, and remove no device', async ({ skip }) => {
    const log: string[] = [];
    const options = { ...place, seed: SEED, devices: DEVICES, short: true };
    const result = await runChaos({ ...options, log: (line) => void log.push(line) }).catch((error: unknown) => {
      if (error instanceof MissingProgram && process.env.CI !== 'true') skip(error.message);
      throw error;
    });
    expect(result.broken, log.join('\n')).toEqual([]);
    expect(result.lost).toBe(0);
    expect(result.wronglyInvalidated).toBe(0);
    expect(result.repeated).toBeLessThanOrEqual(result.repeatBound);
    const settled = Object.values(result.outcomes).reduce((sum, count) => sum + count, 0);
    expect(settled).toBe(result.audience);
    expect(result.outcomes.accepted).toBeGreaterThan(DEVICES / 2);
  }, 300_000);
});
