import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** The processes that run, and what the page about the system asks for at each look. */
export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // One row per process, some tens at most. ended_at: the process has stopped in order; the row stays for an hour, so
  // that the time since a role was last seen is known.
  `create table process (
     id text primary key,
     name text not null,
     roles text[] not null,
     version text not null,
     host text not null,
     started_at timestamptz not null,
     seen_at timestamptz not null,
     ended_at timestamptz
   )`,
  // Few rows of tables that grow with the number of applications.
  `create index provider_setting_paused on provider_setting (paused_at) where paused_reason is not null`,
  `create index provider_setting_ends on provider_setting ((visible->>'validUntil')) where visible->>'validUntil' is not null`,
  `create index webhook_failing on webhook (id) where failures > 0`,
  `create index application_stopped on application (stopped_at) where stopped_at is not null`,
];
