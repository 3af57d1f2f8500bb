import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** The master key of each process: null in rows of the release before. */
export async function up(db: Kysely<never>): Promise<void> {
  await sql`alter table process add column key_id text`.execute(db);
}
