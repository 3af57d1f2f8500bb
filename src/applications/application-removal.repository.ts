import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';
import { MESSAGES_A_STEP, removeMessageRows } from '../database/message-rows.js';
import { inTransaction } from '../database/transaction.js';
import type { Tx } from '../database/transaction.js';

/** Rows per step, as for messages. */
const DEVICES = 500;
const EVENTS = 500;

/** Deletes the rows of removed applications. Several processes share the work. */
@Injectable()
export class ApplicationRemovalRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /**
   * One step, for the given application or for the one that was removed first: messages with their batches, then
   * devices with their subscriptions, finally the application with the rest. Returns false if nothing is left or if
   * another process holds the work.
   */
  removeSome(applicationId?: string): Promise<boolean> {
    return inTransaction(this.database, async (transaction) => {
      const removed = await transaction
        .selectFrom('application')
        .select('id')
        .where('removed_at', 'is not', null)
        .$if(applicationId !== undefined, (query) => query.where('id', '=', applicationId ?? ''))
        .orderBy('removed_at')
        .limit(1)
        .forUpdate()
        .skipLocked()
        .executeTakeFirst();
      if (!removed) return false;
      const messages = await this.removeMessages(removed.id, transaction);
      if (messages !== 'none') return messages === 'some';
      if (await this.removeDevices(removed.id, transaction)) return true;
      if (await this.removeEvents(removed.id, transaction)) return true;
      await transaction.deleteFrom('statistic').where('application_id', '=', removed.id).execute();
      // Also deletes rows that a request wrote which had begun before the removal.
      await transaction.deleteFrom('application').where('id', '=', removed.id).execute();
      return true;
    });
  }

  private async removeEvents(applicationId: string, transaction: Tx): Promise<boolean> {
    const { rows } = await sql`
      delete from event where id in (select id from event where application_id = ${applicationId} limit ${EVENTS})
      returning 1`.execute(transaction);
    return rows.length > 0;
  }

  /**
   * Locks messages first, in the order of the statements that end batches and old messages. Skips locked messages until
   * a later step, because waiting for them could deadlock. `held`: messages are left, all locked by other transactions.
   */
  private async removeMessages(applicationId: string, transaction: Tx): Promise<'some' | 'held' | 'none'> {
    const { rows } = await sql<{ seq: number }>`
      select seq from message where application_id = ${applicationId} limit ${MESSAGES_A_STEP}
      for update skip locked`.execute(transaction);
    if (rows.length === 0) {
      const left = await sql`select from message where application_id = ${applicationId} limit 1`.execute(transaction);
      return left.rows.length === 0 ? 'none' : 'held';
    }
    await removeMessageRows(
      rows.map(({ seq }) => seq),
      transaction,
    );
    return 'some';
  }

  private async removeDevices(applicationId: string, transaction: Tx): Promise<boolean> {
    const { rows } = await sql`
      delete from device where seq = any (array(
        select seq from device where application_id = ${applicationId} limit ${DEVICES}
        for update skip locked))
      returning seq`.execute(transaction);
    return rows.length > 0;
  }
}
