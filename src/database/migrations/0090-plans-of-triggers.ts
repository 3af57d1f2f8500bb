import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/**
 * The rows of a statement before and after it are joined by a hash. PostgreSQL keeps the plan of the first statement of
 * a session, mostly of one row: a nested loop, which compares 10,000 changed devices with 10,000 (over 15 s).
 */
export async function up(db: Kysely<never>): Promise<void> {
  for (const name of ['note_device_update', 'note_device_change'])
    await sql`alter function ${sql.raw(name)}() set enable_nestloop = off`.execute(db);
}
