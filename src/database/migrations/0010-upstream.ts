import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/**
 * on_unknown may be null: then the default depends on the way. A repeat to a device replaces the first message on the
 * screen, a repeat to the upstream reaches every phone twice.
 */
export async function up(db: Kysely<never>): Promise<void> {
  await sql.raw('alter table message alter column on_unknown drop not null').execute(db);
}
