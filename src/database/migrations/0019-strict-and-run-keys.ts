import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** An application's setting for fields that are not known, and the Idempotency-Key of campaigns' runs by hand. */
export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  `alter table application add column strict boolean not null default false`,
  // Neither column rewrites the table, and the index is of rows that have a key, which none has yet.
  `alter table campaign_run add column client_id text, add column idempotency_key text`,
  `create unique index campaign_run_key on campaign_run (campaign_seq, client_id, idempotency_key)
     where idempotency_key is not null`,
];
