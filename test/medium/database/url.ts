import type { Database } from '../../../src/database/database.js';

/** The URL for another process or pool; undefined for the embedded database, which has one process only. */
export function urlOf({ embedded, pool }: Database): string | undefined {
  if (embedded) return undefined;
  const { host, port, user, password, database } = pool.options;
  const credentials = [user, password].filter((part) => typeof part === 'string').map(encodeURIComponent);
  return `postgres://${credentials.join(':')}@${host}:${port}/${database}`;
}
