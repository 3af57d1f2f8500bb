import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** The previous secret, encrypted too, and until when events are also signed with it. */
export async function up(db: Kysely<never>): Promise<void> {
  await sql`
    alter table webhook add column secret_before bytea, add column secret_before_until timestamptz`.execute(db);
}
