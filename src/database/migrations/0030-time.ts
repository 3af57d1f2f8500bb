import { sql } from 'kysely';
import type { Kysely } from 'kysely';

const STEPS = [
  // looked_at: the last round of housekeeping; settled_at: since when the clock has run without a step
  // (delivery/upkeep/removal.repository.ts).
  `create table housekeeping (looked_at timestamptz not null, settled_at timestamptz not null)`,
  `insert into housekeeping values (now(), '2000-01-01')`,
  // For a run that stands for several missed firings: their number and the first time; scheduled_at is the last time.
  `alter table campaign_run add column missed_count bigint, add column missed_from timestamptz`,
  // Versions of time zone rules of the processes, with the host of the last report.
  `create table zone_rules (version text primary key, host text not null, told_at timestamptz not null)`,
];

export async function up(db: Kysely<never>): Promise<void> {
  for (const step of STEPS) await sql.raw(step).execute(db);
}
