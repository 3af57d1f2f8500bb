import { createHash } from 'node:crypto';
import { Kysely, PostgresDialect } from 'kysely';
import type pg from 'pg';
import { StartError } from '../common/start-error.js';
import type { Config } from '../config.js';
import { openEmbedded } from './embedded/embedded.js';
import { migrate, pendingSteps } from './migrate.js';
import { newStandbyPool, openPostgres } from './postgres.js';
import type { Opened } from './postgres.js';
import { Standby } from './standby.js';
import type { Tables } from './tables.js';

/** The connection to the database: Kysely for our queries, and the pool for the queue if it uses the same database. */
export interface Database {
  kysely: Kysely<Tables>;
  /**
   * For statements of reports and lists: on a route that may lag (common/may-lag.ts) they run on the standby, if there
   * is one.
   */
  reader: Kysely<Tables>;
  standby: Standby | null;
  pool: pg.Pool;
  /** The address for further connections; holds a password. */
  url: string;
  /** For log lines: where the data is, without credentials. */
  place: string;
  /** The schema of our tables. */
  schema: string;
  /** Changes if the database is created anew or restored, to recognise outdated memories of it elsewhere. */
  epoch: string;
  migrate: Opened['migrate'];
  close(): Promise<void>;
}

/** Opens and migrates the database. Throws StartError if the server or the folder cannot be used. */
export async function openDatabase(
  config: Pick<Config, 'databaseUrl' | 'databaseReadUrl' | 'dataDir'>,
): Promise<Database> {
  const opened = config.databaseUrl ? await openPostgres(config.databaseUrl) : await openEmbedded(config.dataDir);
  const { url, pool, place, schema, close } = opened;
  const kysely = queriesOf(pool);
  try {
    await migrate(opened);
    await probeWrites({ pool });
    const epoch = await readEpoch(pool);
    const standby = config.databaseReadUrl ? openStandby(config.databaseReadUrl, pool, schema) : null;
    return {
      kysely,
      reader: standby?.reader ?? kysely,
      standby,
      pool,
      url,
      place,
      schema,
      epoch,
      migrate: opened.migrate,
      close: async () => {
        await standby?.close();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error instanceof StartError ? error : new StartError(`The database takes no writes (${place})`, error);
  }
}

/** Typed queries through the pool. */
export function queriesOf(pool: pg.Pool): Kysely<Tables> {
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
}

/** A database that is looked at and not changed. */
export interface Inspected extends Pick<Database, 'kysely' | 'pool' | 'place' | 'schema' | 'close'> {
  /** Names of the migrations that the next start would run. */
  pending: string[];
}

/** Opens a database of a server, and leaves it as it is. Throws StartError if a start could not use the server. */
export async function inspectDatabase(url: string): Promise<Inspected> {
  const opened = await openPostgres(url);
  const { pool, place, schema, close } = opened;
  try {
    const pending = await pendingSteps(opened);
    if (pending.length === 0) await probeWrites({ pool });
    const kysely = queriesOf(pool);
    return { kysely, pool, place, schema, close, pending };
  } catch (error) {
    await close();
    throw error instanceof StartError ? error : new StartError(`The database takes no writes (${place})`, error);
  }
}

function openStandby(url: string, primary: pg.Pool, schema: string): Standby {
  const { pool, place } = newStandbyPool(url, schema);
  return new Standby(primary, pool, place);
}

/** Rejects if the database accepts no writes: unreachable, read-only, a standby, or full. */
export async function probeWrites({ pool }: Pick<Database, 'pool'>): Promise<void> {
  await pool.query('update write_probe set written_at = now()');
}

/**
 * A restored dump creates tables, and often a database or a server, with new numbers; a server restored to an earlier
 * time begins a new timeline (postgresql.org/docs/current/continuous-archiving.html). A copied volume alone is not
 * recognised.
 */
async function readEpoch(pool: pg.Pool): Promise<string> {
  const { rows } = await pool.query<{ epoch: string }>(`
    select concat_ws('-', system_identifier, timeline_id, 'batch'::regclass::oid, d.oid) as epoch
    from pg_control_system(), pg_control_checkpoint(), pg_database d where datname = current_database()`);
  return createHash('sha256')
    .update(rows[0]?.epoch ?? '')
    .digest('base64url')
    .replaceAll(/[^A-Za-z0-9]/g, '')
    .slice(0, 8);
}
