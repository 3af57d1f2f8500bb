import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** Reason and time of an application's pause at a provider, and when a single delivery is tried next. */
export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  `alter table provider_setting
     add column paused_by text,
     add column paused_at timestamptz,
     add column next_try_at timestamptz,
     add column tries integer not null default 0`,
  // Existing pauses are tried when the program starts.
  `update provider_setting set next_try_at = now() where paused_reason is not null`,
];
