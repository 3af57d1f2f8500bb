import type { Migration } from 'kysely';
import { up as foundation } from './0001-foundation.js';

/** In order; append only. */
export const MIGRATIONS: Record<string, Migration> = {
  '0001-foundation': { up: foundation },
};
