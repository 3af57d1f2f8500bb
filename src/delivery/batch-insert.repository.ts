import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { ProviderName } from '../providers/provider.js';
import type { QueuedBatch } from './batch.js';

/** The insert of batches, used with a message's insert and by its expansion. */

/** Batches from a JSON array: a list of values per row costs more than the insert itself. */
export function batchRecords(json: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`json_to_recordset(${json}) as batches (provider text, due_at timestamptz, device_seqs bigint[])`;
}

export interface InsertedBatch {
  id: number;
  applicationId: string;
  provider: ProviderName;
  urgent: boolean;
  /** Null: the batch waits until it is promoted into the window. */
  delayMs: number | null;
}

/**
 * The statement that inserts batches, given as rows of (message_seq, application_id, direct, provider, due_at,
 * device_seqs). Batches of urgent messages and batches with their own time are ready at once: their rate limits them,
 * so they need no place in the window.
 */
export function insertBatches(given: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`
    insert into batch (message_seq, application_id, provider, direct, state, due_at, waits_since, size, first_seq, last_seq, device_seqs,
      outcomes, counts, details)
    select message_seq, application_id, provider, direct,
      case when direct or due_at is not null then 'ready' else 'waiting' end,
      coalesce(due_at, case when direct then now() end), now(), size, device_seqs[1], device_seqs[size], device_seqs,
      decode(repeat('00', size), 'hex'), array[size, 0, 0, 0, 0, 0, 0, 0], '{}'
    from (${given}) as given, cardinality(device_seqs) as size
    returning message_seq, id, application_id as "applicationId", provider, direct as urgent,
      (extract(epoch from due_at - clock_timestamp()) * 1000)::float8 as "delayMs"`;
}

/** The batches that may be queued now. */
export function readyOf(rows: readonly InsertedBatch[]): QueuedBatch[] {
  return rows.flatMap(({ id, applicationId, provider, urgent, delayMs }) => {
    if (delayMs === null) return [];
    const batch = { id, epoch: 0, applicationId, provider, urgent };
    return delayMs > 0 ? { ...batch, delayMs } : batch;
  });
}
