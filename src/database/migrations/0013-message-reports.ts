import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** Scheduled messages, bulks and values per user, with the columns and indexes of their reports. */
export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // bulk_of: the id of the first message of a bulk with an Idempotency-Key, which that message holds for all. totals:
  // deliveries per outcome (index = code), stored when the message ends, so that lists need not add up batches.
  `alter table message
     add column send_at timestamptz,
     add column label text,
     add column bulk_of text,
     add column totals integer[]`,
  `create index message_scheduled on message (send_at) where state = 'scheduled'`,
  `create index message_bulk on message (application_id, bulk_of) where bulk_of is not null`,
  // Lists run from the newest back. Most messages are finished, so the index by state leaves them out.
  `create index message_list on message (application_id, accepted_at, seq)`,
  `create index message_state on message (application_id, state, accepted_at, seq) where state <> 'finished'`,
  `create index message_label on message (application_id, label, accepted_at, seq) where label is not null`,
  // Only messages that may lack a job for their expansion: a direct message, which has its batches at once, has no
  // entry.
  `drop index message_unfinished`,
  `create index message_unfinished on message (seq) where state in ('accepted', 'expanding')`,
  // A caller's values of placeholders, by user.
  `create table message_data (
     message_seq bigint not null references message on delete cascade,
     user_id text not null,
     fields jsonb not null,
     primary key (message_seq, user_id)
   )`,
  // When the first delivery was sent, and when the last outcome was recorded.
  `alter table batch
     add column started_at timestamptz,
     add column touched_at timestamptz`,
  // In order of id in every state, for pages of deliveries; a change of state no longer moves an entry.
  `drop index batch_message`,
  `create index batch_message on batch (message_seq, id)`,
  // Finds the batches that may contain a device: batches of one device by its seq, larger ones by their range.
  // PostgreSQL's GiST needs an extension for text beside a range, so 20 bits of the application's hash precede 42 bits
  // of seq. Another application's batch matches once in a million, and its row is filtered out.
  `create index batch_single on batch (first_seq, id) where size = 1`,
  `create index batch_reach on batch using gist (int8range(
     ((hashtextextended(application_id, 0) & 1048575) << 42) + first_seq,
     ((hashtextextended(application_id, 0) & 1048575) << 42) + last_seq, '[]')) where size > 1`,
];
