import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { executePrepared } from '../../database/prepared.js';
import type { Database } from '../../database/database.js';
import { DATABASE } from '../../database/database.module.js';
import type { Tx } from '../../database/transaction.js';
import { batchRecords, insertBatches, readyOf } from '../../delivery/batch-insert.repository.js';
import type { InsertedBatch } from '../../delivery/batch-insert.repository.js';
import type { QueuedBatch } from '../../delivery/batch.js';
import { toRow } from './new-message.js';
import type { Acceptable, NewMessage } from './new-message.js';

export interface Kept {
  /** In the order given; null: the id or the Idempotency-Key is taken. */
  seqs: (number | null)[];
  /** Their batches that may be queued now. */
  queued: QueuedBatch[];
}

type Inserted = { messageId: string; seq: number } & (InsertedBatch | { id: null });

/** Inserts messages together with their batches. */
@Injectable()
export class MessageInsertRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** Outside of a transaction. */
  async insertAlone(list: readonly Acceptable[]): Promise<Kept> {
    return keptOf(list, await executePrepared(this.database.kysely, 'accept', insertMessages(list)));
  }

  async insert(list: readonly Acceptable[], tx: Tx): Promise<Kept> {
    return keptOf(list, await executePrepared(tx, 'accept', insertMessages(list)));
  }

  /**
   * Holds the settings of the upstream, so that their removal waits for the commit and then sees the batch or the
   * resend. False: there are none.
   */
  async holdUpstream(applicationId: string, tx: Tx): Promise<boolean> {
    const settings = await tx
      .selectFrom('provider_setting')
      .select('version')
      .where('application_id', '=', applicationId)
      .where('provider', '=', 'upstream')
      .forKeyShare()
      .executeTakeFirst();
    return settings !== undefined;
  }

  /**
   * Holds a message, so that the housekeeper waits for the commit and then sees the resend. False: the message is gone.
   */
  async holdOriginal(applicationId: string, id: string, tx: Tx): Promise<boolean> {
    const original = await tx
      .selectFrom('message')
      .select('seq')
      .where('application_id', '=', applicationId)
      .where('id', '=', id)
      .where('state', '<>', 'removed')
      .forShare()
      .executeTakeFirst();
    return original !== undefined;
  }

  /** The placeholders' values of each user. */
  async insertData(messageSeq: number, data: NonNullable<NewMessage['data']>, tx: Tx): Promise<void> {
    await sql`
      insert into message_data (message_seq, user_id, fields)
      select ${messageSeq}::bigint, key, value from jsonb_each(${JSON.stringify(Object.fromEntries(data))}::jsonb)`.execute(
      tx,
    );
  }

  /** Gives a resend the placeholders' values of its original. */
  async copyData(messageSeq: number, original: { applicationId: string; id: string }, tx: Tx): Promise<void> {
    await sql`
      insert into message_data (message_seq, user_id, fields)
      select ${messageSeq}::bigint, user_id, fields from message_data where message_seq = (
        select seq from message where application_id = ${original.applicationId} and id = ${original.id})`.execute(tx);
  }
}

/**
 * The statement that inserts messages and their batches. One text of parameters whatever their number: a list of values
 * for each row costs more than the insert itself.
 */
function insertMessages(list: readonly Acceptable[]): RawBuilder<Inserted> {
  const given = inKeyOrder(firstOfEach(list)).map(toRow);
  const batches = insertBatches(sql`
    select kept.seq as message_seq, kept.application_id, kept.direct, batches.*
    from kept join given using (application_id, id), ${batchRecords(sql`given.batches`)}`);
  return sql`
    with given as (
      select * from json_to_recordset(${JSON.stringify(given)}::json) as given (application_id text, id text, client_id text,
        body jsonb, notification jsonb, target jsonb, state text, direct boolean, on_unknown text, idempotency_key text,
        request_hash text, accepted_at float8, expires_at float8, audience integer, open_batches integer,
        resend_of text, resend_outcomes jsonb, send_at float8, label text, test_of text, bulk_of text, campaign_seq bigint,
        run_seq bigint, rate_seq bigint, quiet jsonb,
        reach_key bigint, reach_cap integer, traceparent text, batches json)),
    kept as (
      insert into message (application_id, id, client_id, body, notification, target, state, direct, on_unknown,
        idempotency_key, request_hash, accepted_at, expires_at, finished_at, audience, open_batches, expand_cursor, resend_of,
        resend_outcomes, send_at, label, test_of, bulk_of, campaign_seq, run_seq, rate_seq, quiet, reach_key, reach_cap,
        traceparent, totals)
      select application_id, id, client_id, body, notification, target, state, direct, on_unknown, idempotency_key,
        decode(request_hash, 'hex'), to_timestamp(accepted_at / 1000), to_timestamp(expires_at / 1000),
        case when state = 'finished' then to_timestamp(accepted_at / 1000) end, audience, open_batches, 0, resend_of,
        resend_outcomes, to_timestamp(send_at / 1000), label, test_of, bulk_of, campaign_seq, run_seq, rate_seq, quiet, reach_key,
        reach_cap, traceparent,
        case when state = 'finished' then array[0, 0, 0, 0, 0, 0, 0, 0] end
      from given
      on conflict do nothing
      returning application_id, id, seq, direct),
    counted as (
      insert into statistic_change (application_id, name, counts)
      select application_id, 'message', array[count(*)] from kept group by application_id),
    made as (${batches})
    select kept.id as "messageId", kept.seq, made.id, made."applicationId", made.provider, made.urgent, made."delayMs"
    from kept left join made on made.message_seq = kept.seq`;
}

/**
 * One message of each id: if two messages had the same id, the statement would keep one and return its seq for both.
 */
function firstOfEach(list: readonly Acceptable[]): Acceptable[] {
  return [...new Map(list.toReversed().map((each) => [each.message.id, each])).values()].toReversed();
}

/** Assigns the returned rows to the list. Of two messages with the same id, only the first was kept. */
function keptOf(list: readonly Acceptable[], rows: readonly Inserted[]): Kept {
  const left = new Map(rows.map(({ messageId, seq }) => [messageId, seq]));
  const seqs = list.map(({ message: { id } }) => {
    const seq = left.get(id) ?? null;
    left.delete(id);
    return seq;
  });
  return { seqs, queued: readyOf(rows.filter((row): row is Inserted & InsertedBatch => row.id !== null)) };
}

/** Messages with an Idempotency-Key first, in key order, so that two concurrent inserts cannot deadlock. */
function inKeyOrder(list: readonly Acceptable[]): Acceptable[] {
  const lockOf = ({ message: { applicationId, clientId, idempotency } }: Acceptable): string =>
    JSON.stringify([applicationId, clientId, idempotency?.key]);
  const keyed = list.filter(({ message }) => message.idempotency !== null);
  const inOrder = keyed.map((each) => ({ each, lock: lockOf(each) })).toSorted((a, b) => (a.lock < b.lock ? -1 : 1));
  return [...inOrder.map(({ each }) => each), ...list.filter(({ message }) => message.idempotency === null)];
}
