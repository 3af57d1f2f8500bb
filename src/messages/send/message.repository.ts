import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { DATABASE } from '../../database/database.module.js';
import type { Database } from '../../database/database.js';
import type { NewMessage } from './new-message.js';

/** One message of a bulk that was accepted earlier. */
export interface BulkRow {
  id: string;
  alert: string;
  acceptedAt: Date;
}

/** The parts of an original that a resend needs. */
export type Original = Pick<NewMessage, 'body' | 'notification' | 'target' | 'urgent' | 'onUnknown'> & {
  /** From the earliest time of sending to the end. */
  lifetimeMs: number;
  /** Null while the message has not ended. */
  finishedAt: Date | null;
};

/** An earlier message of the same client under the same Idempotency-Key. */
export interface EarlierMessage {
  id: string;
  body: Record<string, unknown>;
  requestHash: Buffer;
}

@Injectable()
export class MessageRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  async findOriginal(applicationId: string, id: string): Promise<Original | undefined> {
    const row = await this.database.kysely
      .selectFrom('message')
      .selectAll()
      .where('application_id', '=', applicationId)
      .where('id', '=', id)
      .where('state', '<>', 'removed')
      .executeTakeFirst();
    return (
      row && {
        body: row.body,
        notification: row.notification,
        target: row.target,
        urgent: row.direct,
        onUnknown: row.on_unknown,
        lifetimeMs: row.expires_at.getTime() - (row.send_at ?? row.accepted_at).getTime(),
        finishedAt: row.finished_at,
      }
    );
  }

  async findByIdempotencyKey(
    applicationId: string,
    clientId: string,
    key: string,
  ): Promise<EarlierMessage | undefined> {
    const row = await this.database.kysely
      .selectFrom('message')
      .select(['id', 'body', 'request_hash'])
      .where('application_id', '=', applicationId)
      .where('client_id', '=', clientId)
      .where('idempotency_key', '=', key)
      .executeTakeFirst();
    return row && { id: row.id, body: row.body, requestHash: row.request_hash ?? Buffer.alloc(0) };
  }

  /** Messages that wait for their `sendAt`. */
  async countScheduled(applicationId: string): Promise<number> {
    const { count } = await this.database.kysely
      .selectFrom('message')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .where('application_id', '=', applicationId)
      .where('state', '=', 'scheduled')
      .executeTakeFirstOrThrow();
    return count;
  }

  /** The messages of a bulk in order, given the id of its first message. */
  findBulk(applicationId: string, firstId: string): Promise<BulkRow[]> {
    return this.database.kysely
      .selectFrom('message')
      .select(['id', 'accepted_at as acceptedAt', sql<string>`notification->>'alert'`.as('alert')])
      .where('application_id', '=', applicationId)
      .where('bulk_of', '=', firstId)
      .orderBy('seq')
      .execute();
  }
}
