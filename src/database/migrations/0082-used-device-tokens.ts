import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** Device tokens for a first registration that were used. A row each, which no process keeps in memory. */
export async function up(db: Kysely<never>): Promise<void> {
  await sql`create table used_device_token (jti text primary key, ends_at timestamptz not null)`.execute(db);
  await sql`create index used_device_token_ends_at on used_device_token (ends_at)`.execute(db);
}
