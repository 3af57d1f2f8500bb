import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** test_of: the id of the campaign that the message is a test of. */
export async function up(db: Kysely<never>): Promise<void> {
  await sql`alter table message add column test_of text`.execute(db);
}
