import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** The request of an audited act. Null: an act of the server itself, or of a release before. */
export async function up(db: Kysely<never>): Promise<void> {
  await sql`alter table audit_event add column request_id text, add column user_agent text`.execute(db);
}
