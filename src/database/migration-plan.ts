import type pg from 'pg';
import type { Inspected } from './database.js';
import { EFFECTS } from './migrations/effects.js';
import type { StepEffects } from './migrations/effects.js';
import { MIGRATIONS } from './migrations/migrations.js';

/** The lines of `migrate --plan`: the steps that are missing, and their effects on processes that run meanwhile. */
export async function planLines({ pool, schema, pending, place }: Inspected): Promise<string[]> {
  if (pending.length === 0) return [`No step is missing (${place})`];
  if (pending.length === Object.keys(MIGRATIONS).length)
    return [`${place} is new: ${pending.length} steps make the tables in one transaction`];
  const sizes = await readSizes(pool, schema);
  const lines = [
    `Missing steps of ${place}: ${pending.length}. Each is a transaction, which waits at most 2 s for a lock and is then tried again.`,
  ];
  for (const name of pending) {
    const { locked, read }: StepEffects = EFFECTS[name] ?? { locked: [], read: [], removed: [] };
    const demanded = MIGRATIONS[name]?.demands;
    const beside = demanded === undefined ? 'beside running processes' : `only beside processes that know ${demanded}`;
    lines.push(`${name}: ${beside}`);
    const rows = (table: string): string => sizes.get(table) ?? 'no rows';
    for (const table of [...new Set([...locked, ...read])].toSorted()) {
      if (!read.includes(table)) lines.push(`  ${table}: locked for a moment`);
      else if (locked.includes(table)) lines.push(`  ${table}: locked while its rows are read (${rows(table)})`);
      else lines.push(`  ${table}: its rows are read (${rows(table)}); rows that are changed are locked until the end`);
    }
  }
  return lines;
}

/** The rows of each table by its last analysis, and its size with its indexes. */
async function readSizes(pool: pg.Pool, schema: string): Promise<Map<string, string>> {
  const { rows } = await pool.query<{ name: string; rows: number; size: string }>(
    `select relname as name, greatest(reltuples, 0)::float8 as rows, pg_size_pretty(pg_total_relation_size(oid)) as size
     from pg_class where relnamespace = $1::regnamespace and relkind = 'r'`,
    [schema],
  );
  return new Map(
    rows.map(({ name, rows: count, size }) => [name, `about ${count.toLocaleString('en')} rows, ${size}`]),
  );
}
