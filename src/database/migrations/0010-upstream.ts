import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/**
 * What an unknown delivery becomes is said by the caller or follows from where it went: a repeat to a device replaces the
 * first on its screen, one to the upstream reaches every phone twice.
 */
export async function up(db: Kysely<never>): Promise<void> {
  await sql.raw('alter table message alter column on_unknown drop not null').execute(db);
}
