import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** The last deliveries that were tried, the newest first: a bounded list in the row that each lot writes anyway. */
export async function up(db: Kysely<never>): Promise<void> {
  await sql`alter table webhook add column attempts jsonb not null default '[]'`.execute(db);
}
