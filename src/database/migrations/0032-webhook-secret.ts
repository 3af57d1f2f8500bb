import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** The secret before the last, sealed as that is, and until when events are signed with it too. */
export async function up(db: Kysely<never>): Promise<void> {
  await sql`
    alter table webhook add column secret_before bytea, add column secret_before_until timestamptz`.execute(db);
}
