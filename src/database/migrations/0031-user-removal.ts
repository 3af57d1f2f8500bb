import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** Users whose data is being removed, in steps; and the values of one user. */
export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // About a second for a million rows.
  'create index message_data_user on message_data (user_id, message_seq)',
  // The pass over the application's messages stands behind (looked_at, looked_seq). Devices and messages with larger numbers
  // than last_device and last_message came after the request and are not the removed user's.
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
