import pg from 'pg';
import { reviveJson } from '../common/json.js';
import { StartError } from '../common/start-error.js';

/** Connections of one process to PostgreSQL: enough for every batch in flight and the API, few enough for a default server (100). */
const MAX_CONNECTIONS = 16;

type TypeId = Parameters<typeof pg.types.getTypeParser>[0];
const PARSERS = new Map<number, (text: string) => unknown>([
  [20, Number], // bigint
  [114, reviveJson], // json
  [3802, reviveJson], // jsonb
  [1016, (text) => (text === '{}' ? [] : text.slice(1, -1).split(',').map(Number))], // bigint[]
]);

/** Sequences stay below 2^53, so bigint is a number here. */
const types: pg.CustomTypesConfig = {
  getTypeParser(id: TypeId, format?: 'text' | 'binary') {
    const own = format === 'binary' ? undefined : PARSERS.get(id);
    if (own) return own;
    return pg.types.getTypeParser(id, format) as (text: string) => unknown;
  },
};

export async function openPostgres(url: string): Promise<{ pool: pg.Pool; place: string; close: () => Promise<void> }> {
  const { hostname, port, pathname } = new URL(url);
  const place = `PostgreSQL at ${hostname || 'localhost'}:${port || 5432}${pathname}`;
  const pool = new pg.Pool({
    connectionString: url,
    max: MAX_CONNECTIONS,
    connectionTimeoutMillis: 5_000,
    application_name: 'carillon',
    types,
  });
  // An idle connection that the server ends (restart, failover) is replaced at the next query; the pool has dropped it.
  pool.on('error', () => undefined);
  // One that ends while it is in use fails its query, which is all there is to say; without a listener it would be the process.
  pool.on('connect', (client) => client.on('error', () => undefined));
  try {
    await pool.query('select 1');
  } catch (error) {
    await pool.end();
    throw new StartError(`The database cannot be reached (${place})`, error);
  }
  return { pool, place, close: () => pool.end() };
}

/**
 * For BullMQ, beside ours, so that a busy queue never starves our statements; one for all of it, because it would make one
 * for each queue and worker.
 */
export function newQueuePool(connectionString: string, max: number): pg.Pool {
  const options = '-c search_path=bullmq';
  const pool = new pg.Pool({ connectionString, options, max, keepAlive: true, application_name: 'carillon' });
  // BullMQ adds an 'error' listener for each queue and worker, which are more than Node takes for a leak.
  pool.setMaxListeners(0);
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}
