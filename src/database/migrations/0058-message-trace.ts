import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** The trace of the request or firing that made a message, as a W3C `traceparent` of 55 characters. */
export async function up(db: Kysely<never>): Promise<void> {
  await sql`alter table message add column traceparent text`.execute(db);
}
