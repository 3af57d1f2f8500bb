import { Logger } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import { Kysely, Migrator, PostgresDialect, sql } from 'kysely';
import type { Migration } from 'kysely';
import type pg from 'pg';
import { SQL_STATE, hasSqlState } from '../common/sql-state.js';
import { StartError } from '../common/start-error.js';
import { MIGRATIONS } from './migrations/migrations.js';
import type { Step } from './migrations/migrations.js';
import type { Opened } from './postgres.js';
import { demandMigration, demandUse, readRights } from './rights.js';
import type { Rights } from './rights.js';
import type { Tables } from './tables.js';

/** Kysely's table; has our first step from its first row on. */
export const LEDGER = 'kysely_migration';
const FIRST = '0001-foundation';
/** The step that makes the table of the demanded steps. */
const DEMANDS = '0063-demanded-steps';
/** Statements of programs queue behind a step that waits for a lock. So the step gives up, and tries again later. */
const LOCK_MS = 2_000;
const PAUSE_MS = 1_000;

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

/** The steps that are missing. Refuses a database that needs a step unknown to this program. */
async function readPending(pool: pg.Pool, standing: Rights, place: string): Promise<string[]> {
  if (standing.owner === null) return Object.keys(MIGRATIONS);
  const { rows } = await pool.query<{ name: string }>(`select name from ${LEDGER} order by name`);
  const done = rows.map(({ name }) => name);
  if (done.length > 0 && !done.includes(FIRST)) throw foreign(standing.schema, LEDGER, place);
  const unknown = done.filter((name) => !(name in MIGRATIONS));
  if (unknown.length > 0) await demandKnown(pool, unknown, done.includes(DEMANDS), place);
  return Object.keys(MIGRATIONS).filter((name) => !done.includes(name));
}

/** Steps of a newer release are additions, and may be unknown, unless the database demands a step that is unknown. */
async function demandKnown(pool: pg.Pool, unknown: string[], hasDemands: boolean, place: string): Promise<void> {
  const { rows } = hasDemands ? await pool.query<{ name: string }>('select name from demanded_step') : { rows: [] };
  const demanded = hasDemands ? rows.map(({ name }) => name).filter((name) => !(name in MIGRATIONS)) : unknown;
  if (demanded.length > 0)
    throw new StartError(
      `The database (${place}) was migrated by a newer Carillon (${demanded.join(', ')}): start that one, or restore a dump from before`,
    );
  new Logger('Database').warn(
    `The database has steps of a newer Carillon (${unknown.join(', ')}), which this version works beside`,
  );
}

/**
 * Runs the given steps that are missing: in a new database in one transaction, else in a transaction for each step, so
 * that the locks of a step end before the next one while programs work. Throws StartError.
 */
export async function runSteps(pool: pg.Pool, schema: string, place: string, steps = MIGRATIONS): Promise<void> {
  const inTurns = Object.fromEntries(Object.entries(steps).map(([name, step]) => [name, inTurn(name, step)]));
  const migrator = new Migrator({
    db: new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) }),
    provider: { getMigrations: () => Promise.resolve(inTurns) },
    // Otherwise Kysely would find its tables in another schema.
    migrationTableSchema: schema,
    allowUnorderedMigrations: true,
  });
  const isNew = (await migrator.getMigrations()).every(({ executedAt }) => executedAt === undefined);
  for (let isTold = false; ;) {
    const { error, results = [] } = await (isNew ? migrator.migrateToLatest() : migrator.migrateUp());
    if (!error && (isNew || results.length === 0)) return;
    if (!error) continue;
    const failed = results.find((result) => result.status === 'Error')?.migrationName ?? 'before any step';
    if (isNew || !hasSqlState(error, SQL_STATE.lockNotAvailable, SQL_STATE.deadlock))
      throw refusal(error, failed, schema, place);
    if (!isTold) new Logger('Database').warn(`The step ${failed} waits for a transaction that holds a lock`);
    isTold = true;
    await delay(PAUSE_MS);
  }
}

/** The step with a bounded wait for locks, and with its demand written down. */
function inTurn(name: string, step: Step): Migration {
  return {
    up: async (db) => {
      if (name !== FIRST) await sql.raw(`set local lock_timeout to ${LOCK_MS}`).execute(db);
      await step.up(db);
      const { demands } = step;
      if (demands) await sql`insert into demanded_step values (${demands}) on conflict do nothing`.execute(db);
    },
  };
}

function refusal(error: unknown, failed: string, schema: string, place: string): StartError {
  const { message = '' } = error as { message?: string };
  const isTaken = hasSqlState(error, SQL_STATE.duplicateTable, SQL_STATE.duplicateObject);
  const taken = isTaken ? /"([^"]+)" already exists/.exec(message)?.[1] : undefined;
  return taken === undefined
    ? new StartError(`The database cannot be migrated (${failed})`, error)
    : foreign(schema, taken, place);
}

function foreign(schema: string, table: string, place: string): StartError {
  return new StartError(
    `The schema ${schema} of ${place} has the table ${table} of another program: give Carillon a database of its own, or a schema (create schema carillon, and ?options=-c%20search_path%3Dcarillon in DATABASE_URL)`,
  );
}
