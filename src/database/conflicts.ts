import { setTimeout as delay } from 'node:timers/promises';
import { isConflict } from '../common/sql-state.js';

const ATTEMPTS = 4;
/**
 * Maximum wait before the next attempt, times the number of attempts; drawn at random, so that conflicting transactions
 * separate.
 */
const SPREAD_MS = 25;

/** Repeats a statement or a transaction after a conflict with another one. */
export async function againOnConflict<T>(run: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++)
    try {
      return await run();
    } catch (error) {
      if (attempt === ATTEMPTS || !isConflict(error)) throw error;
      await delay(Math.random() * SPREAD_MS * attempt);
    }
}
