import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/**
 * Versions of provider settings come from one sequence: settings that are removed and created again must not reuse a
 * version, because workers hold connections and tokens under it.
 */
export async function up(db: Kysely<never>): Promise<void> {
  await sql.raw('create sequence provider_setting_version as integer').execute(db);
  await sql
    .raw(
      `select setval('provider_setting_version', (select coalesce(max(version), 0) + 1 from provider_setting), false)`,
    )
    .execute(db);
}
