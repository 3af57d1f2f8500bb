import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** kept: the message has ended, and a resend may need the values. The index takes about a second for a million rows. */
export async function up(db: Kysely<never>): Promise<void> {
  await sql.raw('alter table message_data add column kept boolean not null default false').execute(db);
  await sql.raw('create index message_data_open on message_data (message_seq) where not kept').execute(db);
}
