import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** Lanes: a window per application and provider, and direct batches outside of the window. */
export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  `alter table batch add column direct boolean not null default false`,
  `update batch set direct = true from message where message.seq = batch.message_seq and message.direct`,
  `drop index batch_waiting`,
  `create index batch_waiting on batch (application_id, provider, direct, id) where state = 'waiting'`,
  `create index batch_window on batch (application_id, provider, due_at)
     where state in ('ready', 'leased') and not direct`,
];
