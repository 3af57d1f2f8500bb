import { sql } from 'kysely';
import { bigints } from './bigints.js';
import type { Tx } from './transaction.js';

/** Messages per step: a transaction of about 5 to 50 ms for messages of any size. */
export const MESSAGES_A_STEP = 100;
const BATCHES = 200;
const DATA_ROWS = 10_000;
const RECEIPTS = 10_000;

/**
 * One step of deleting messages whose rows the transaction has locked: some of their batches, data and receipts, then
 * the messages without any. Batches locked by another transaction are left to a later step, because waiting could
 * deadlock.
 */
export async function removeMessageRows(messageSeqs: readonly number[], transaction: Tx): Promise<void> {
  const seqs = bigints(messageSeqs);
  await sql`
    delete from batch where id = any (array(
      select id from batch where message_seq = any(${seqs}) limit ${BATCHES} for update skip locked))`.execute(
    transaction,
  );
  await sql`
    delete from message_data where (message_seq, user_id) in (
      select message_seq, user_id from message_data where message_seq = any(${seqs}) limit ${DATA_ROWS})`.execute(
    transaction,
  );
  await sql`
    delete from receipt where (message_seq, device_seq) in (
      select message_seq, device_seq from receipt where message_seq = any(${seqs}) limit ${RECEIPTS})`.execute(
    transaction,
  );
  await sql`delete from receipt_count where message_seq = any(${seqs})`.execute(transaction);
  await sql`
    delete from message where seq = any(${seqs})
      and not exists (select from batch where batch.message_seq = message.seq)
      and not exists (select from message_data where message_data.message_seq = message.seq)
      and not exists (select from receipt where receipt.message_seq = message.seq)`.execute(transaction);
}
