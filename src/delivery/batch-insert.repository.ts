import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { QueuedBatch } from './batch.js';
import type { NewBatch } from './batching.js';

/** How batches are inserted, be it with their message or by its expansion. */

/** A batch as `batchRecords` reads it, in JSON. */
export function toBatchRecord({ provider, deviceSeqs, due }: NewBatch): Record<string, unknown> {
  return { provider, due_at: due === undefined ? null : new Date(due), device_seqs: `{${deviceSeqs.join(',')}}` };
}

/** Batches out of a JSON array: a list of values for each row costs more than the insert itself. */
export function batchRecords(json: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`json_to_recordset(${json}) as batches (provider text, due_at timestamptz, device_seqs bigint[])`;
}

export interface InsertedBatch extends QueuedBatch {
  ready: boolean;
}

/**
 * The statement that inserts batches, given as rows of (message_seq, application_id, direct, provider, due_at, device_seqs).
 * Ready are those of direct messages and those with a time of their own: their rate is what holds these, and they need no
 * place in the window.
 */
export function insertBatches(given: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`
    insert into batch (message_seq, application_id, provider, direct, state, due_at, size, first_seq, last_seq, device_seqs,
      outcomes, counts, details)
    select message_seq, application_id, provider, direct,
      case when direct or due_at is not null then 'ready' else 'waiting' end,
      coalesce(due_at, case when direct then now() end), size, device_seqs[1], device_seqs[size], device_seqs,
      decode(repeat('00', size), 'hex'), array[size, 0, 0, 0, 0, 0, 0, 0], '{}'
    from (${given}) as given, cardinality(device_seqs) as size
    returning id, epoch, provider, direct, message_seq, state = 'ready' as ready,
      (extract(epoch from due_at - clock_timestamp()) * 1000)::float8 as "delayMs"`;
}

/** What may be queued now. */
export function readyOf(rows: readonly InsertedBatch[]): QueuedBatch[] {
  return rows
    .filter(({ ready }) => ready)
    .map(({ id, epoch, provider, direct, delayMs = 0 }) =>
      delayMs > 0 ? { id, epoch, provider, direct, delayMs } : { id, epoch, provider, direct },
    );
}
