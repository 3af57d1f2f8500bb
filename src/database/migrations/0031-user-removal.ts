import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** Users whose data is being deleted in steps, and an index for the values of a user. */
export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // About a second for a million rows.
  'create index message_data_user on message_data (user_id, message_seq)',
  // looked_at, looked_seq: position of the pass over the application's messages. Devices and messages above last_device
  // and last_message were created after the request and are not deleted.
  `create table user_removal (
     application_id text not null references application on delete cascade,
     user_id text not null,
     pseudonym text not null,
     device_ids jsonb not null default '[]',
     asked_at timestamptz not null,
     last_device bigint not null,
     last_message bigint not null,
     looked_at timestamptz not null default '-infinity',
     looked_seq bigint not null default 0,
     primary key (application_id, user_id)
   )`,
];
