import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kysely, PostgresDialect, sql } from 'kysely';
import type { Transaction } from 'kysely';
import { format, resolveConfig } from 'prettier';
import { openEmbedded } from '../src/database/embedded/embedded.js';
import type { StepEffects } from '../src/database/migrations/effects.js';
import { MIGRATIONS } from '../src/database/migrations/migrations.js';
import type { Step } from '../src/database/migrations/migrations.js';

/** The file `src/database/migrations/effects.ts`: each step runs in an empty database, and its locks are read. */
export async function effectsFile(): Promise<string> {
  const effects = await observeSteps();
  const text = `/** Written by \`npm run documents\`, which runs each step in an empty database and reads its locks. */

/** Effects of a step on tables that were there before. */
export interface StepEffects {
  /** Tables that other transactions cannot write until the step has ended. */
  locked: readonly string[];
  /** Tables of which the step reads the rows, so that it takes longer the more there are. */
  read: readonly string[];
  /** Tables and columns that a program before the step may use in vain afterwards. */
  removed: readonly string[];
}

/** Steps without a line only add. */
export const EFFECTS: Readonly<Record<string, StepEffects>> = ${JSON.stringify(effects)};
`;
  return format(text, { ...(await resolveConfig('src/main.ts')), parser: 'typescript' });
}

async function observeSteps(): Promise<Record<string, StepEffects>> {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-steps-'));
  const opened = await openEmbedded(folder);
  const db = new Kysely<never>({ dialect: new PostgresDialect({ pool: opened.pool }) });
  try {
    const effects: Record<string, StepEffects> = {};
    for (const [name, step] of Object.entries(MIGRATIONS)) {
      const found = await db.transaction().execute((tx) => observe(tx, step));
      if (Object.values(found).some((tables) => tables.length > 0)) effects[name] = found;
    }
    return effects;
  } finally {
    await opened.close();
    rmSync(folder, { recursive: true });
  }
}

async function observe(tx: Transaction<never>, step: Step): Promise<StepEffects> {
  const before = await readShape(tx);
  const scans = await readScans(tx);
  await step.up(tx);
  const after = await readShape(tx);
  const scanned = await readScans(tx);
  const locked = await readLocked(tx);
  const tables = [...before.keys()].filter((name) => !name.includes('.'));
  // An insert by a program before the step has no value for a new column that needs one.
  const isMissed = ([name, isNeeded]: [string, boolean]): boolean =>
    isNeeded && !before.get(name) && tables.includes(name.split('.')[0]!);
  return {
    locked: tables.filter((name) => locked.has(name)),
    read: tables.filter((name) => (scanned.get(name) ?? 0) > (scans.get(name) ?? 0)),
    removed: [
      ...[...before.keys()].filter((name) => !after.has(name)),
      ...[...after].filter(isMissed).map(([name]) => name),
    ],
  };
}

async function readScans(tx: Transaction<never>): Promise<Map<string, number>> {
  const { rows } = await sql<{ name: string; scans: number }>`
    select relname as name, coalesce(seq_scan, 0) + coalesce(idx_scan, 0) as scans
    from pg_stat_xact_user_tables`.execute(tx);
  return new Map(rows.map(({ name, scans }) => [name, scans]));
}

async function readLocked(tx: Transaction<never>): Promise<Set<string>> {
  const { rows } = await sql<{ name: string }>`
    select relname as name from pg_locks l join pg_class on pg_class.oid = relation where pid = pg_backend_pid()
    and mode in ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')`.execute(tx);
  return new Set(rows.map(({ name }) => name));
}

/** Tables, and columns as `table.column`; true: an insert has to give the value. */
async function readShape(tx: Transaction<never>): Promise<Map<string, boolean>> {
  const { rows } = await sql<{ name: string; needed: boolean }>`
    select relname as name, false as needed from pg_class
    where relkind = 'r' and relnamespace = current_schema()::regnamespace
    union all
    select relname || '.' || attname, attnotnull and not atthasdef and attidentity = ''
    from pg_attribute join pg_class c on c.oid = attrelid
    where relkind = 'r' and relnamespace = current_schema()::regnamespace and attnum > 0 and not attisdropped
    order by name`.execute(tx);
  return new Map(rows.map(({ name, needed }) => [name, needed]));
}
