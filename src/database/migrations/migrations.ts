import type { Migration } from 'kysely';
import { up as foundation } from './0001-foundation.js';
import { up as providerStatus } from './0002-provider-status.js';
import { up as clients } from './0003-clients.js';

/** In order; append only. */
export const MIGRATIONS: Record<string, Migration> = {
  '0001-foundation': { up: foundation },
  '0002-provider-status': { up: providerStatus },
  '0003-clients': { up: clients },
};
