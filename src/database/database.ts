import { createHash } from 'node:crypto';
import { Kysely, Migrator, PostgresDialect } from 'kysely';
import type { RawBuilder } from 'kysely';
import type pg from 'pg';
import { StartError } from '../common/start-error.js';
import type { Config } from '../config.js';
import { againOnConflict } from './conflicts.js';
import { openEmbedded } from './embedded.js';
import { MIGRATIONS } from './migrations/migrations.js';
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
  /** Changes when the database is made anew or restored, so that what was remembered of it elsewhere is told apart. */
  epoch: string;
  migrate: Opened['migrate'];
  close(): Promise<void>;
}

/** Opens and migrates. Throws StartError when the server or the folder cannot be used. */
export async function openDatabase(config: Pick<Config, 'databaseUrl' | 'dataDir'>): Promise<Database> {
  const opened = config.databaseUrl ? await openPostgres(config.databaseUrl) : await openEmbedded(config.dataDir);
  const { pool, place, close } = opened;
  const kysely = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
  try {
    await migrate(opened);
    await probeWrites({ pool });
    const epoch = await readEpoch(pool);
    return { kysely, pool, embedded: !config.databaseUrl, place, epoch, migrate: opened.migrate, close };
  } catch (error) {
    await close();
    throw error instanceof StartError ? error : new StartError(`The database takes no writes (${place})`, error);
  }
}

/**
 * Runs a statement outside of any transaction that each connection parses and plans once, under a name of its own: a good
 * part of what a small one costs. Its text must always be the same. It is tried again when it met another in a deadlock.
 */
export async function executePrepared<Row>(database: Database, name: string, query: RawBuilder<Row>): Promise<Row[]> {
  const { sql: text, parameters } = query.compile(database.kysely);
  const values = [...parameters];
  const { rows } = await againOnConflict(() => database.pool.query({ name, text, values }));
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

/** Kysely's migrator takes an advisory lock, so any number of processes may start at once. */
async function migrate({ migrate, place }: Opened): Promise<void> {
  const { error, results } = await migrate(async (pool) => {
    await refuseNewer(pool, place);
    const migrator = new Migrator({
      db: new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) }),
      provider: { getMigrations: () => Promise.resolve(MIGRATIONS) },
      allowUnorderedMigrations: true,
    });
    return migrator.migrateToLatest();
  });
  const failed = results?.find((result) => result.status === 'Error');
  if (error)
    throw new StartError(`The database cannot be migrated (${failed?.migrationName ?? 'before any step'})`, error);
}

/** Of a step that this program does not know it cannot say what it has changed. */
async function refuseNewer(pool: pg.Pool, place: string): Promise<void> {
  const { rows: found } = await pool.query<{ there: boolean }>(
    `select to_regclass('kysely_migration') is not null as there`,
  );
  if (!found[0]?.there) return;
  const { rows } = await pool.query<{ name: string }>('select name from kysely_migration order by name');
  const unknown = rows.map(({ name }) => name).filter((name) => !(name in MIGRATIONS));
  if (unknown.length > 0)
    throw new StartError(
      `The database (${place}) was migrated by a newer Carillon (${unknown.join(', ')}): start that one, or restore a dump from before`,
    );
}
