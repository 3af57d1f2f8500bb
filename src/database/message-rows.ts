import { sql } from 'kysely';
import type { Transaction } from 'kysely';
import { bigints } from './bigints.js';
import type { Tables } from './tables.js';

/** Of one step: a transaction of some 5 to 50 ms, whatever the messages' size. */
export const MESSAGES_A_STEP = 100;
const BATCHES = 200;
const DATA_ROWS = 10_000;

/**
 * One step of taking messages away whose rows the transaction holds: some of their batches and data, then those that have
 * none left. A batch that another transaction holds is left to a later step: waiting for it could be a deadlock.
 */
export async function removeMessageRows(
  messageSeqs: readonly number[],
  transaction: Transaction<Tables>,
): Promise<void> {
  const seqs = bigints(messageSeqs);
  await sql`
    delete from batch where id in (
      select id from batch where message_seq = any(${seqs}) limit ${BATCHES} for update skip locked)`.execute(
    transaction,
  );
  await sql`
    delete from message_data where (message_seq, user_id) in (
      select message_seq, user_id from message_data where message_seq = any(${seqs}) limit ${DATA_ROWS})`.execute(
    transaction,
  );
  await sql`
    delete from message where seq = any(${seqs})
      and not exists (select from batch where batch.message_seq = message.seq)
      and not exists (select from message_data where message_data.message_seq = message.seq)`.execute(transaction);
}
