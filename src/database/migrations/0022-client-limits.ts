import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** Limits of a client that differ from the settings. */
export async function up(db: Kysely<never>): Promise<void> {
  await sql`alter table client add column requests_per_second integer, add column concurrent_requests integer`.execute(
    db,
  );
}
