import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** What a client may ask for at most, where it is not what the settings say. */
export async function up(db: Kysely<never>): Promise<void> {
  await sql`alter table client add column requests_per_second integer, add column concurrent_requests integer`.execute(
    db,
  );
}
