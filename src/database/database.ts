import { createHash } from 'node:crypto';
import { Kysely, PostgresDialect } from 'kysely';
import type { RawBuilder } from 'kysely';
import type pg from 'pg';
import { StartError } from '../common/start-error.js';
import type { Config } from '../config.js';
import { againOnConflict } from './conflicts.js';
import { openEmbedded } from './embedded.js';
import { migrate } from './migrate.js';
import { openPostgres } from './postgres.js';
import type { Opened } from './postgres.js';
import type { Tables } from './tables.js';

/** The one handle on the truth: Kysely for our queries, the pool for the queue when it lives here too. */
export interface Database {
  kysely: Kysely<Tables>;
  pool: pg.Pool;
  /** True: PGlite in this process. */
  embedded: boolean;
  /** For people: where the data is, without credentials. */
  place: string;
  /** Of our tables. */
  schema: string;
  /** Changes when the database is made anew or restored, so that what was remembered of it elsewhere is told apart. */
  epoch: string;
  migrate: Opened['migrate'];
  close(): Promise<void>;
}

/** Opens and migrates. Throws StartError when the server or the folder cannot be used. */
export async function openDatabase(config: Pick<Config, 'databaseUrl' | 'dataDir'>): Promise<Database> {
  const opened = config.databaseUrl ? await openPostgres(config.databaseUrl) : await openEmbedded(config.dataDir);
  const { pool, place, schema, close } = opened;
  const kysely = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
  try {
    await migrate(opened);
    await probeWrites({ pool });
    const epoch = await readEpoch(pool);
    return { kysely, pool, embedded: !config.databaseUrl, place, schema, epoch, migrate: opened.migrate, close };
  } catch (error) {
    await close();
    throw error instanceof StartError ? error : new StartError(`The database takes no writes (${place})`, error);
  }
}

/** How often this process has run each prepared statement. */
const runs = new Map<string, number>();

/**
 * Runs a statement outside of any transaction that each connection parses and plans under a name of its own: a good part of
 * what a small one costs. Its text must always be the same. It is tried again when it met another in a deadlock.
 *
 * Connections plan it anew, under the next name, each time its runs have doubled. PostgreSQL keeps a plan until a table of it
 * is analysed, a minute after a flood or later, and a plan for tables of one page reads all of them whatever they grow to.
 */
export async function executePrepared<Row>(database: Database, name: string, query: RawBuilder<Row>): Promise<Row[]> {
  const { sql: text, parameters } = query.compile(database.kysely);
  const values = [...parameters];
  const count = (runs.get(name) ?? 0) + 1;
  runs.set(name, count);
  const planned = { name: `${name}-${Math.floor(Math.log2(count))}`, text, values };
  const { rows } = await againOnConflict(() => database.pool.query(planned));
  return rows as Row[];
}

/** Rejects when the database takes no writes: away, read-only, a standby, full. */
export async function probeWrites({ pool }: Pick<Database, 'pool'>): Promise<void> {
  await pool.query('update write_probe set written_at = now()');
}

/**
 * A dump restored makes tables, and often a database or a server, of new numbers; a server rolled back to an earlier moment
 * begins a new timeline (postgresql.org/docs/current/continuous-archiving.html). A copied volume alone shows nothing.
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
