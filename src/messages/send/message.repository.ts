import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { Gather } from '../../common/gather.js';
import { executePrepared } from '../../database/prepared.js';
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
  audience: number;
}

/** The Idempotency-Key of one request. */
interface AskedKey {
  applicationId: string;
  clientId: string;
  key: string;
}

const KEYS_AT_ONCE = 200;

@Injectable()
export class MessageRepository {
  /** Requests that come together share a statement. */
  private readonly lookUps = new Gather((asked: readonly AskedKey[]) => this.findKeys(asked), KEYS_AT_ONCE);

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

  /** Undefined if the client has not used the key for this application. */
  findByIdempotencyKey(applicationId: string, clientId: string, key: string): Promise<EarlierMessage | undefined> {
    return this.lookUps.add({ applicationId, clientId, key });
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

  private async findKeys(asked: readonly AskedKey[]): Promise<(EarlierMessage | undefined)[]> {
    const found = asked.map((): EarlierMessage | undefined => undefined);
    const list = asked.map(({ applicationId, clientId, key }, index) => ({
      index,
      application_id: applicationId,
      client_id: clientId,
      key,
    }));
    const query = sql<Omit<EarlierMessage, 'requestHash'> & { index: number; request_hash: Buffer | null }>`
      select asked.index, earlier.* from json_to_recordset(${JSON.stringify(list)}::json)
        as asked (index integer, application_id text, client_id text, key text)
      cross join lateral (
        select id, body, request_hash, audience from message
        where application_id = asked.application_id and client_id = asked.client_id and idempotency_key = asked.key
        offset 0) as earlier`;
    for (const { index, request_hash, ...earlier } of await executePrepared(
      this.database.kysely,
      'idempotency-keys',
      query,
    ))
      found[index] = { ...earlier, requestHash: request_hash ?? Buffer.alloc(0) };
    return found;
  }
}
