import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { batchRecords, insertBatches, readyOf } from '../../delivery/batch-insert.repository.js';
import type { InsertedBatch } from '../../delivery/batch-insert.repository.js';
import type { QueuedBatch } from '../../delivery/batch.js';
import { toRow } from './new-message.js';
import type { Acceptable } from './new-message.js';

/** How messages are inserted, together with their batches. */

export interface Kept {
  /** In the order given. */
  seqs: (number | null)[];
  /** Of all of them, what may be queued now. */
  queued: QueuedBatch[];
}

type Inserted = { messageId: string; seq: number } & (InsertedBatch | { id: null });

/**
 * The statement that inserts messages and their batches. One text of parameters whatever their number: a list of values for
 * each row costs more than the insert itself.
 */
export function insertMessages(list: readonly Acceptable[]): RawBuilder<Inserted> {
  const given = inKeyOrder(firstOfEach(list)).map(toRow);
  const batches = insertBatches(sql`
    select kept.seq as message_seq, kept.application_id, kept.direct, batches.*
    from kept join given using (application_id, id), ${batchRecords(sql`given.batches`)}`);
  return sql`
    with given as (
      select * from json_to_recordset(${JSON.stringify(given)}::json) as given (application_id text, id text, client_id text,
        body jsonb, notification jsonb, target jsonb, state text, direct boolean, on_unknown text, idempotency_key text,
        request_hash text, accepted_at float8, expires_at float8, audience integer, open_batches integer,
        resend_of text, resend_outcomes jsonb, send_at float8, label text, bulk_of text, rate_seq bigint, quiet jsonb,
        reach_key bigint, reach_cap integer, batches json)),
    kept as (
      insert into message (application_id, id, client_id, body, notification, target, state, direct, on_unknown,
        idempotency_key, request_hash, accepted_at, expires_at, finished_at, audience, open_batches, expand_cursor, resend_of,
        resend_outcomes, send_at, label, bulk_of, rate_seq, quiet, reach_key, reach_cap, totals)
      select application_id, id, client_id, body, notification, target, state, direct, on_unknown, idempotency_key,
        decode(request_hash, 'hex'), to_timestamp(accepted_at / 1000), to_timestamp(expires_at / 1000),
        case when state = 'finished' then to_timestamp(accepted_at / 1000) end, audience, open_batches, 0, resend_of,
        resend_outcomes, to_timestamp(send_at / 1000), label, bulk_of, rate_seq, quiet, reach_key, reach_cap,
        case when state = 'finished' then array[0, 0, 0, 0, 0, 0, 0, 0] end
      from given
      on conflict do nothing
      returning application_id, id, seq, direct),
    made as (${batches})
    select kept.id as "messageId", kept.seq, made.id, made."applicationId", made.provider, made.direct, made."delayMs"
    from kept left join made on made.message_seq = kept.seq`;
}

/** Of two that drew one id in one statement the database would keep one, and name it for both. */
function firstOfEach(list: readonly Acceptable[]): Acceptable[] {
  return [...new Map(list.toReversed().map((each) => [each.message.id, each])).values()].toReversed();
}

/** What the statement answered, for each of the list; nothing was kept of a second message of the same id. */
export function keptOf(list: readonly Acceptable[], rows: readonly Inserted[]): Kept {
  const left = new Map(rows.map(({ messageId, seq }) => [messageId, seq]));
  const seqs = list.map(({ message: { id } }) => {
    const seq = left.get(id) ?? null;
    left.delete(id);
    return seq;
  });
  return { seqs, queued: readyOf(rows.filter((row): row is Inserted & InsertedBatch => row.id !== null)) };
}

/** Who waits for another's key holds none that the other will want: in one order they cannot deadlock. The rest as it came. */
function inKeyOrder(list: readonly Acceptable[]): Acceptable[] {
  const lockOf = ({ message: { applicationId, clientId, idempotency } }: Acceptable): string =>
    JSON.stringify([applicationId, clientId, idempotency?.key]);
  const keyed = list.filter(({ message }) => message.idempotency !== null);
  const inOrder = keyed.map((each) => ({ each, lock: lockOf(each) })).toSorted((a, b) => (a.lock < b.lock ? -1 : 1));
  return [...inOrder.map(({ each }) => each), ...list.filter(({ message }) => message.idempotency === null)];
}
