import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { bigints } from '../../database/bigints.js';
import { DATABASE } from '../../database/database.module.js';
import type { Database } from '../../database/database.js';
import { countDue } from '../../database/due.js';
import type { Due } from '../../database/due.js';
import { MESSAGES_A_STEP, removeMessageRows } from '../../database/message-rows.js';
import { inTransaction } from '../../database/transaction.js';
import { OUTCOME } from '../outcome.js';

/** Rows per step. */
const KEYS = 1_000;
const MESSAGES_LOOKED_AT = 200;
const VALUES = 2_000;
const FIRST_TIME = sql`'-infinity'::timestamptz`;

/** Removes messages that ended long ago with their batches, and data of ended messages that is not needed any more. */
@Injectable()
export class RetentionRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  countMessages(before: Date): Promise<Due> {
    return countDue(
      this.database,
      sql`message where finished_at < ${before}`,
      sql`message where finished_at is not null`,
    );
  }

  countKeys(before: Date): Promise<Due> {
    return countDue(
      this.database,
      sql`message where idempotency_key is not null and accepted_at < ${before}`,
      sql`message where idempotency_key is not null`,
    );
  }

  /**
   * One step over the oldest messages that ended before `before`: removes their batches and rows. A message with more
   * batches than fit into a step is no longer shown, and the next steps remove it. A message that a resend is being
   * expanded from stays until then; messages that another scheduler has locked are skipped. Returns the `from` of the
   * next step, or null if there was nothing to do. Without `from`, each step would read the index entries of all
   * messages that the steps before it removed, because only a vacuum removes entries.
   */
  removeMessages(before: Date, from: Date | null = null): Promise<Date | null> {
    return inTransaction(this.database, async (transaction) => {
      const held = sql`exists (select from message resend where resend.application_id = message.application_id
        and resend.resend_of = message.id and resend.state in ('accepted', 'expanding'))`;
      const { rows } = await sql<{ seq: number; finished_at: Date }>`
        select seq, finished_at from message where finished_at < ${before} and finished_at >= ${from ?? FIRST_TIME}
          and not ${held}
        order by finished_at limit ${MESSAGES_A_STEP} for update skip locked`.execute(transaction);
      if (rows.length === 0) return null;
      // Checked again with the rows locked: a resend may have been accepted since they were found.
      const free = await sql<{ seq: number }>`
        select seq from message where seq = any(${bigints(rows.map(({ seq }) => seq))}) and not ${held}`.execute(
        transaction,
      );
      const seqs = free.rows.map(({ seq }) => seq);
      await removeMessageRows(seqs, transaction);
      await sql`
        update message set state = 'removed', idempotency_key = null
        where seq = any(${bigints(seqs)}) and state <> 'removed'`.execute(transaction);
      return seqs.length > 0 ? rows[0]!.finished_at : null;
    });
  }

  /**
   * One step over the Idempotency-Keys of messages accepted before `before`: each key may be used again. Returns the
   * `from` of the next step like `removeMessages`.
   */
  async forgetKeys(before: Date, from: Date | null = null): Promise<Date | null> {
    const { rows } = await sql<{ next: Date | null }>`
      with forgotten as (
        update message set idempotency_key = null where seq = any (array(
          select seq from message where idempotency_key is not null and accepted_at < ${before}
            and accepted_at >= ${from ?? FIRST_TIME}
          order by accepted_at limit ${KEYS} for update skip locked))
        returning accepted_at)
      select min(accepted_at) as next from forgotten`.execute(this.database.kysely);
    return rows[0]?.next ?? null;
  }

  /**
   * One step over the values that callers gave for users, of the messages above `after`. When a message has ended, the
   * values of users without a delivery, or whose deliveries were all accepted, are removed, because no resend needs
   * them. The values of other users stay as long as the message. Returns where to continue, or null at the end.
   */
  forgetValues(after: number): Promise<number | null> {
    return inTransaction(this.database, async (transaction) => {
      const { rows } = await sql<{ seq: number; ended: boolean }>`
        with recursive open(seq) as (
          (select message_seq from message_data where not kept and message_seq > ${after} order by message_seq limit 1)
          union all
          select (select message_seq from message_data where not kept and message_seq > open.seq
            order by message_seq limit 1)
          from open where open.seq is not null)
        select message.seq, message.finished_at is not null as ended
        from (select seq from open where seq is not null limit ${MESSAGES_LOOKED_AT}) as looked join message using (seq)
        order by message.seq`.execute(transaction);
      const last = rows.at(-1)?.seq;
      if (last === undefined) return null;
      const ended = bigints(rows.filter((row) => row.ended).map(({ seq }) => seq));
      // Older versions stored the values in the body as well.
      await sql`update message set body = body - 'data' where seq = any(${ended}) and body ? 'data'`.execute(
        transaction,
      );
      const { rows: settled } = await sql`
        with taken as materialized (
          select message_seq, user_id from message_data where not kept and message_seq = any(${ended})
          order by message_seq, user_id limit ${VALUES} for update skip locked),
        needed as materialized (
          select distinct taken.message_seq, taken.user_id from taken
          join message on message.seq = taken.message_seq
          join device on device.application_id = message.application_id and device.user_id = taken.user_id
          join batch on batch.message_seq = taken.message_seq and device.seq between batch.first_seq and batch.last_seq,
          lateral (select array_position(batch.device_seqs, device.seq) as position offset 0) as place
          where get_byte(batch.outcomes, place.position - 1) <> ${OUTCOME.accepted}),
        gone as (
          delete from message_data using (select * from taken except select * from needed) as spent
          where message_data.message_seq = spent.message_seq and message_data.user_id = spent.user_id),
        stays as (
          update message_data set kept = true from needed
          where message_data.message_seq = needed.message_seq and message_data.user_id = needed.user_id)
        select from taken`.execute(transaction);
      return settled.length === VALUES ? after : last;
    });
  }
}
