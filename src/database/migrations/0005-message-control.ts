import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** Columns and indexes to pause messages, to resend outcomes, and to find old rows in housekeeping. */
export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // paused_at is not a state, because a resumed message continues in its state, expanding or sending. resend_of is the
  // original's id without a foreign key, because a resend outlives its original.
  `alter table message
     add column paused_at timestamptz,
     add column resend_of text,
     add column resend_outcomes jsonb`,
  `create index message_resend on message (application_id, resend_of) where resend_of is not null`,
  `create index message_finished on message (finished_at) where finished_at is not null`,
  // A day instead of a time: a device that is seen every hour moves in the index once a day. Existing devices count as
  // seen today, which keeps them longer and rewrites no row.
  `alter table device
     add column seen_on date not null default current_date,
     add column retired_at timestamptz`,
  `update device set retired_at = now() where retired_reason is not null`,
  `create index device_seen on device (seen_on) where retired_at is null`,
  `create index device_retired on device (retired_at) where retired_at is not null`,
];
