import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** Messages that leave later, in bulk and with words for each user; and what the reports about them are found by. */
export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // bulk_of: the id of the first message of a bulk that came with an Idempotency-Key, which that one holds for all.
  // totals: deliveries per outcome (position = code), kept when it ends, so that a list need not add up batches.
  `alter table message
     add column send_at timestamptz,
     add column label text,
     add column bulk_of text,
     add column totals integer[]`,
  `create index message_scheduled on message (send_at) where state = 'scheduled'`,
  `create index message_bulk on message (application_id, bulk_of) where bulk_of is not null`,
  // Lists run from the newest back. Most messages are finished, so only the others are worth an index by state.
  `create index message_list on message (application_id, accepted_at, seq)`,
  `create index message_state on message (application_id, state, accepted_at, seq) where state <> 'finished'`,
  `create index message_label on message (application_id, label, accepted_at, seq) where label is not null`,
  // Only what may lack a job for its expansion: a direct message, which has its batches at once, costs no entry.
  `drop index message_unfinished`,
  `create index message_unfinished on message (seq) where state in ('accepted', 'expanding')`,
  // What a caller says of each user, for placeholders.
  `create table message_data (
     message_seq bigint not null references message on delete cascade,
     user_id text not null,
     fields jsonb not null,
     primary key (message_seq, user_id)
   )`,
  // When the first delivery was written, and when something was last recorded.
  `alter table batch
     add column started_at timestamptz,
     add column touched_at timestamptz`,
  // In order of id whatever the state: pages of deliveries; and a change of state no longer moves an entry.
  `drop index batch_message`,
  `create index batch_message on batch (message_seq, id)`,
  // Which batches may have a device: of one device each, by its seq; the larger ones by their range. PostgreSQL's GiST takes
  // no text beside a range without an extension, so 20 bits of the application's hash go above 42 bits of seq: another
  // application's batches are out of reach but for one in a million, and those are told apart by the row.
  `create index batch_single on batch (first_seq, id) where size = 1`,
  `create index batch_reach on batch using gist (int8range(
     ((hashtextextended(application_id, 0) & 1048575) << 42) + first_seq,
     ((hashtextextended(application_id, 0) & 1048575) << 42) + last_seq, '[]')) where size > 1`,
];
