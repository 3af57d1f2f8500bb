import { setTimeout as delay } from 'node:timers/promises';
import { isConflict } from '../common/sql-state.js';

const ATTEMPTS = 4;
/** The wait before the next attempt is drawn from 0 to this, times the attempts made: those that met do not meet again. */
const SPREAD_MS = 25;

/** Runs what is one statement, or one transaction, again when it met another. */
export async function againOnConflict<T>(run: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++)
    try {
      return await run();
    } catch (error) {
      if (attempt === ATTEMPTS || !isConflict(error)) throw error;
      await delay(Math.random() * SPREAD_MS * attempt);
    }
}
