import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** Receipts of devices for messages: displayed, opened, dismissed, actions. */
export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // receipt_key: signs the receipt tokens of the application's deliveries; null: deliveries have none.
  `alter table application add column receipt_key bytea, add column allowed_origins text[] not null default '{}'`,
  // times: epoch ms by kind, the first of each. added: the part of it that the last write added; the statement of that
  // write reads it to count each kind of a device once. No foreign key to the message, whose row would be locked by
  // each of a million receipts (0034): message-rows.ts removes the receipts.
  `create table receipt (
     message_seq bigint not null,
     device_seq bigint not null references device on delete cascade,
     times jsonb not null,
     added jsonb not null,
     primary key (message_seq, device_seq)
   )`,
  `create index receipt_device on receipt (device_seq)`,
  // Kept when a device, and its receipts, are gone. name: a kind, or 'action:' and the id of an action.
  `create table receipt_count (
     message_seq bigint not null,
     name text not null,
     count integer not null,
     primary key (message_seq, name)
   )`,
];
