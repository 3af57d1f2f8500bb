import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** The clock and the time zone rules of each process: null in rows of the release before. */
export async function up(db: Kysely<never>): Promise<void> {
  await sql`alter table process add column clock_ahead_ms double precision, add column zone_rules text`.execute(db);
}
