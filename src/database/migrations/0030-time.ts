import { sql } from 'kysely';
import type { Kysely } from 'kysely';

const STEPS = [
  // looked_at: when housekeeping looked last; settled_at: since when the clock has gone on without a step (delivery/upkeep/removal.repository.ts).
  `create table housekeeping (looked_at timestamptz not null, settled_at timestamptz not null)`,
  `insert into housekeeping values (now(), '2000-01-01')`,
  // A run that stands for several missed firings: how many, and the first; scheduled_at is the last.
  `alter table campaign_run add column missed_count bigint, add column missed_from timestamptz`,
  // Versions of the time zone rules that processes run with, and the host that told last.
  `create table zone_rules (version text primary key, host text not null, told_at timestamptz not null)`,
];

export async function up(db: Kysely<never>): Promise<void> {
  for (const step of STEPS) await sql.raw(step).execute(db);
}
