import { Kysely, Migrator, PostgresDialect } from 'kysely';
import type pg from 'pg';
import { SQL_STATE, hasSqlState } from '../common/sql-state.js';
import { StartError } from '../common/start-error.js';
import { MIGRATIONS } from './migrations/migrations.js';
import type { Opened } from './postgres.js';
import { demandMigration, demandUse, readRights } from './rights.js';
import type { Rights } from './rights.js';
import type { Tables } from './tables.js';

/** Kysely's table; has our first step as soon as it is visible, because all steps share one transaction. */
const LEDGER = 'kysely_migration';
const FIRST = '0001-foundation';

/**
 * Migrates the tables, if needed and if the role may. Kysely's migrator holds an advisory lock, so any number of
 * processes may start at once. Throws StartError.
 */
export async function migrate(opened: Opened): Promise<void> {
  const pending = await pendingSteps(opened);
  if (pending.length > 0) await opened.migrate((unbounded) => runSteps(unbounded, opened.schema, opened.place));
}

/** The steps that are missing. Throws StartError if the role may not run them, or not use the tables. */
export async function pendingSteps({ pool, schema, place }: Opened): Promise<string[]> {
  const standing = await readRights(pool, schema, LEDGER);
  if (standing.owner !== null) await demandUse(pool, standing, place);
  const pending = await readPending(pool, standing, place);
  if (pending.length > 0) demandMigration(standing, pending, place);
  return pending;
}

/** The steps that are missing. Refuses a step unknown to this program, because its effects are unknown. */
async function readPending(pool: pg.Pool, standing: Rights, place: string): Promise<string[]> {
  if (standing.owner === null) return Object.keys(MIGRATIONS);
  const { rows } = await pool.query<{ name: string }>(`select name from ${LEDGER} order by name`);
  const done = rows.map(({ name }) => name);
  if (done.length > 0 && !done.includes(FIRST)) throw foreign(standing.schema, LEDGER, place);
  const unknown = done.filter((name) => !(name in MIGRATIONS));
  if (unknown.length > 0)
    throw new StartError(
      `The database (${place}) was migrated by a newer Carillon (${unknown.join(', ')}): start that one, or restore a dump from before`,
    );
  return Object.keys(MIGRATIONS).filter((name) => !done.includes(name));
}

/** Runs the given steps that are missing. Throws StartError. */
export async function runSteps(pool: pg.Pool, schema: string, place: string, steps = MIGRATIONS): Promise<void> {
  const migrator = new Migrator({
    db: new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) }),
    provider: { getMigrations: () => Promise.resolve(steps) },
    // Otherwise Kysely would find its tables in another schema.
    migrationTableSchema: schema,
    allowUnorderedMigrations: true,
  });
  const { error, results } = await migrator.migrateToLatest();
  if (!error) return;
  const { message = '' } = error as { message?: string };
  const isTaken = hasSqlState(error, SQL_STATE.duplicateTable, SQL_STATE.duplicateObject);
  const taken = isTaken ? /"([^"]+)" already exists/.exec(message)?.[1] : undefined;
  if (taken !== undefined) throw foreign(schema, taken, place);
  const failed = results?.find((result) => result.status === 'Error');
  throw new StartError(`The database cannot be migrated (${failed?.migrationName ?? 'before any step'})`, error);
}

function foreign(schema: string, table: string, place: string): StartError {
  return new StartError(
    `The schema ${schema} of ${place} has the table ${table} of another program: give Carillon a database of its own, or a schema (create schema carillon, and ?options=-c%20search_path%3Dcarillon in DATABASE_URL)`,
  );
}
