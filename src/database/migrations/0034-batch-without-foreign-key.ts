import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/**
 * Batches are inserted by the statement that inserts their message or by a transaction that has locked it, and are
 * deleted before it (database/message-rows.ts). The check looked up the message again for each batch, by a plan that
 * each session made once: if there were few messages then, it read all of them for each batch of the next minute.
 */
export async function up(db: Kysely<never>): Promise<void> {
  await sql`alter table batch drop constraint batch_message_seq_fkey`.execute(db);
}
