import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/**
 * Indexes for the rounds every two seconds, so that they cost only what they find: an application paused overnight may
 * have a million parked batches, and a day as many Idempotency-Keys.
 */
export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  `alter table batch alter column device_seqs set storage external`,
  `drop index batch_parked`,
  `create index batch_parked on batch (application_id, provider, id) where state = 'parked'`,
  `create index message_keyed on message (accepted_at) where idempotency_key is not null`,
];
