import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/**
 * The rate that a provider accepted lately (applications/proven-rate.ts), and the version of the settings that it was
 * accepted with. Null in rows of older versions.
 */
export async function up(db: Kysely<never>): Promise<void> {
  await sql`alter table provider_status
    add column proven_rate float8,
    add column proven_at timestamptz,
    add column proven_version integer`.execute(db);
}
