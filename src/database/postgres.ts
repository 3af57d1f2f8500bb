import pg from 'pg';
import { reviveJson } from '../common/json.js';
import { StartError } from '../common/start-error.js';
import { readDatabaseUrl } from '../server-url.js';
import type { DatabaseAddress } from '../server-url.js';
import { newPool } from './connection.js';
import type { PatientPool } from './patient-pool.js';

/**
 * Connections of one process to PostgreSQL: enough for all batches in flight and the API, and few enough for a default
 * server (100).
 */
const MAX_CONNECTIONS = 16;

type TypeId = Parameters<typeof pg.types.getTypeParser>[0];
const PARSERS = new Map<number, (text: string) => unknown>([
  [20, Number], // bigint
  [114, reviveJson], // json
  [3802, reviveJson], // jsonb
  [1082, (text) => text], // date
  [1016, (text) => (text === '{}' ? [] : text.slice(1, -1).split(',').map(Number))], // bigint[]
]);

/** bigint is read as a number, because sequences stay below 2^53. */
const types: pg.CustomTypesConfig = {
  getTypeParser(id: TypeId, format?: 'text' | 'binary') {
    const own = format === 'binary' ? undefined : PARSERS.get(id);
    if (own) return own;
    return pg.types.getTypeParser(id, format) as (text: string) => unknown;
  },
};

export interface Opened {
  url: string;
  pool: pg.Pool;
  place: string;
  /** The schema of our tables. */
  schema: string;
  /** Runs migrations, whose statements have no time limit. */
  migrate: <T>(work: (pool: pg.Pool) => Promise<T>) => Promise<T>;
  close: () => Promise<void>;
}

export async function openPostgres(url: string): Promise<Opened> {
  const address = { ...readDatabaseUrl(url), types };
  const place = placeOf(address);
  const schema = await inspect(address, place);
  const searchPath = pg.escapeIdentifier(schema);
  const pool = newPool(address, { max: MAX_CONNECTIONS, searchPath });
  return {
    url,
    pool,
    place,
    schema,
    migrate: async (work) => {
      const named = { ...address, application_name: 'carillon-migrations' };
      const unbounded = newPool(named, { max: 2, searchPath, statementMs: 0 });
      try {
        return await work(unbounded);
      } finally {
        await unbounded.end();
      }
    },
    close: () => pool.end(),
  };
}

/** For log lines, without credentials. */
function placeOf({ host = 'localhost', port, database }: DatabaseAddress): string {
  const where = host.startsWith('/') ? `${host}, port ${port}` : `${host}:${port}`;
  return `PostgreSQL at ${where}${database === undefined ? '' : `/${database}`}`;
}

interface Found {
  pid: number;
  role: string;
  /** The first schema of the search path that exists and may be used. */
  schema: string | null;
  path: string;
  encoding: string;
  standby: boolean;
}

/**
 * Checks once whether the server can be used. Returns the schema that role, database or URL lead to, which holds our
 * tables for the life of this process.
 */
async function inspect(address: pg.ClientConfig, place: string): Promise<string> {
  const one = newPool(address, { max: 1, searchPath: 'default' });
  const other = newPool(address, { max: 1, searchPath: 'default' });
  try {
    const { rows } = await one.query<Found>(
      `select pg_backend_pid() as pid, current_user as role, current_schema() as schema,
         current_setting('search_path') as path, current_setting('server_encoding') as encoding,
         pg_is_in_recovery() as standby`,
    );
    const { pid, role, schema, path, encoding, standby } = rows[0]!;
    if (standby) throw new StartError(`${place} is a standby, which takes no writes: give the address of its primary`);
    if (encoding !== 'UTF8')
      throw new StartError(
        `${place} has the encoding ${encoding}, which cannot hold every text: make one with create database … encoding 'UTF8' template template0`,
      );
    await refusePooledTurns(one, other, pid, place);
    if (schema === null)
      throw new StartError(
        `${place} has no schema that the role ${role} may use (search_path is ${path}): make one with create schema … authorization ${pg.escapeIdentifier(role)}`,
      );
    return schema;
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw new StartError(`The database cannot be reached (${place})`, error);
  } finally {
    await Promise.all([one.end(), other.end()]);
  }
}

/**
 * A pooler in transaction or statement mode uses any free session for each transaction, so settings, prepared
 * statements and LISTEN would apply to others. Detected by two concurrent connections with the same session.
 */
async function refusePooledTurns(one: pg.Pool, other: pg.Pool, pid: number, place: string): Promise<void> {
  const { rows } = await other.query<{ pid: number }>('select pg_backend_pid() as pid');
  await one.query('select 1');
  if (rows[0]?.pid === pid)
    throw new StartError(
      `${place} is behind a pooler in transaction or statement mode: Carillon needs session mode (pool_mode = session in PgBouncer)`,
    );
}

/** A pool for a standby, which has the same schemas as its primary; connections are opened when they are needed. */
export function newStandbyPool(url: string, schema: string): { pool: PatientPool; place: string } {
  const address = { ...readDatabaseUrl(url), types };
  const pool = newPool(address, { max: MAX_CONNECTIONS, searchPath: pg.escapeIdentifier(schema) });
  return { pool, place: placeOf(address) };
}

/**
 * A pool for BullMQ beside ours, so that a busy queue does not delay our statements; a single pool, because BullMQ
 * would open one for each queue and worker.
 */
export function newQueuePool(url: string, max: number): PatientPool {
  const pool = newPool({ ...readDatabaseUrl(url) }, { max, searchPath: 'bullmq' });
  // BullMQ adds an 'error' listener for each queue and worker, more than Node's limit for its leak warning.
  pool.setMaxListeners(0);
  return pool;
}
