import { setTimeout as delay } from 'node:timers/promises';

/** A serialization failure and a deadlock: the database has taken the statement back to let another through. */
const CONFLICTS = new Set<unknown>(['40001', '40P01']);

const ATTEMPTS = 4;
/** The wait before the next attempt is drawn from 0 to this, times the attempts made: those that met do not meet again. */
const SPREAD_MS = 25;

/** Runs what is one statement, or one transaction, again when it met another. */
export async function againOnConflict<T>(run: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++)
    try {
      return await run();
    } catch (error) {
      if (attempt === ATTEMPTS || !CONFLICTS.has((error as { code?: unknown }).code)) throw error;
      await delay(Math.random() * SPREAD_MS * attempt);
    }
}
