import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** The application's setting for unknown fields, and the Idempotency-Key of manual runs of campaigns. */
export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  `alter table application add column strict boolean not null default false`,
  // Neither column rewrites the table, and the index has only rows with a key, of which there are none yet.
  `alter table campaign_run add column client_id text, add column idempotency_key text`,
  `create unique index campaign_run_key on campaign_run (campaign_seq, client_id, idempotency_key)
     where idempotency_key is not null`,
];
