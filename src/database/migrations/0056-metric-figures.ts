import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** The metrics that come from rows: read by one process, shown by all (src/metrics/figures.service.ts). */
export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  `create table metric_figures (
     only_row boolean primary key default true check (only_row),
     taken_at timestamptz not null,
     lease_until timestamptz,
     figures jsonb not null
   )`,
  `insert into metric_figures (taken_at, figures) values ('1970-01-01', '{"applications": [], "samples": {}}')`,
];
