import { Kysely, Migrator, PostgresDialect } from 'kysely';
import type { RawBuilder } from 'kysely';
import type pg from 'pg';
import { StartError } from '../common/start-error.js';
import type { Config } from '../config.js';
import { openEmbedded } from './embedded.js';
import { MIGRATIONS } from './migrations/migrations.js';
import { openPostgres } from './postgres.js';
import type { Tables } from './tables.js';

/** The one handle on the truth: Kysely for our queries, the pool for the queue when it lives here too. */
export interface Database {
  kysely: Kysely<Tables>;
  pool: pg.Pool;
  /** True: PGlite in this process. */
  embedded: boolean;
  /** For people: where the data is, without credentials. */
  place: string;
  close(): Promise<void>;
}

/** Opens and migrates. Throws StartError when the server or the folder cannot be used. */
export async function openDatabase(config: Pick<Config, 'databaseUrl' | 'dataDir'>): Promise<Database> {
  const { pool, place, close } = config.databaseUrl
    ? await openPostgres(config.databaseUrl)
    : await openEmbedded(config.dataDir);
  const kysely = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
  try {
    await migrate(kysely);
  } catch (error) {
    await close();
    throw error;
  }
  return { kysely, pool, embedded: !config.databaseUrl, place, close };
}

/**
 * Runs a statement outside of any transaction that each connection parses and plans once, under a name of its own: a good
 * part of what a small one costs. Its text must always be the same.
 */
export async function executePrepared<Row>(database: Database, name: string, query: RawBuilder<Row>): Promise<Row[]> {
  const { sql: text, parameters } = query.compile(database.kysely);
  const { rows } = await database.pool.query({ name, text, values: [...parameters] });
  return rows as Row[];
}

/** Kysely's migrator takes an advisory lock, so any number of processes may start at once. */
async function migrate(kysely: Kysely<Tables>): Promise<void> {
  const migrator = new Migrator({ db: kysely, provider: { getMigrations: () => Promise.resolve(MIGRATIONS) } });
  const { error, results } = await migrator.migrateToLatest();
  const failed = results?.find((result) => result.status === 'Error');
  if (error)
    throw new StartError(`The database cannot be migrated (${failed?.migrationName ?? 'before any step'})`, error);
}
