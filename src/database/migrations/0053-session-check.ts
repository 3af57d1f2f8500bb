import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** The identity provider is asked again about a person with a session. */
export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // The provider's tokens, sealed under the cookie's value, which is not in the database. Null: a client's session.
  `alter table console_session add column credentials text`,
  `alter table console_session add column checked_at timestamptz not null default now()`,
];
