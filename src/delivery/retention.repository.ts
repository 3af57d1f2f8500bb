import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { bigints } from '../database/bigints.js';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';
import { MESSAGES_A_STEP, removeMessageRows } from '../database/message-rows.js';

/** Of one step. */
const KEYS = 1_000;

/** Takes away messages that ended long ago, and their batches. */
@Injectable()
export class RetentionRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /**
   * One step over the oldest messages that ended before `before`: they vanish from the API at once, their batches and then
   * their rows go with this step or the next. False when there was nothing to do. Messages that a resend is being
   * expanded from stay until it is; those that another scheduler holds are left to it.
   */
  removeMessages(before: Date): Promise<boolean> {
    return this.database.kysely.transaction().execute(async (transaction) => {
      const held = sql`exists (select from message resend where resend.application_id = message.application_id
        and resend.resend_of = message.id and resend.state in ('accepted', 'expanding'))`;
      const { rows } = await sql<{ seq: number }>`
        select seq from message where finished_at < ${before} and not ${held}
        order by finished_at limit ${MESSAGES_A_STEP} for update skip locked`.execute(transaction);
      if (rows.length === 0) return false;
      // Asked again now that the rows are locked: a resend may have been accepted since they were found.
      const marked = await sql<{ seq: number }>`
        update message set state = 'removed', idempotency_key = null
        where seq = any(${bigints(rows.map(({ seq }) => seq))}) and not ${held} returning seq`.execute(transaction);
      await removeMessageRows(
        marked.rows.map(({ seq }) => seq),
        transaction,
      );
      return marked.rows.length > 0;
    });
  }

  /** One step over the Idempotency-Keys of messages accepted before `before`: each may name another message from then on. */
  async forgetKeys(before: Date): Promise<boolean> {
    const { numAffectedRows = 0n } = await sql`
      update message set idempotency_key = null where seq in (
        select seq from message where idempotency_key is not null and accepted_at < ${before}
        order by accepted_at limit ${KEYS} for update skip locked)`.execute(this.database.kysely);
    return numAffectedRows > 0n;
  }
}
