import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** The Idempotency-Key under which a client made a campaign. */
export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // Neither column rewrites the table, and the index has only rows with a key, of which there are none yet.
  'alter table campaign add column idempotency_key text, add column request_hash bytea',
  `create unique index campaign_key on campaign (application_id, client_id, idempotency_key)
     where idempotency_key is not null`,
];
