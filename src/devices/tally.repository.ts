import { sql } from 'kysely';
import type { Kysely, RawBuilder } from 'kysely';
import type { Tables } from '../database/tables.js';

/**
 * How many devices, devices with Push.ALL (`broadcast`) or subscriptions an application has, without counting them: the
 * sum of what each change added (migration 0011). `where` is a condition on `name`, or on the column that it stands for.
 */
export async function readTally(
  db: Kysely<Tables>,
  applicationId: string,
  kind: 'device' | 'broadcast' | 'subscription',
  where: RawBuilder<boolean> = sql`true`,
): Promise<number> {
  const column = sql.id(kind === 'subscription' ? 'tag_name' : 'platform');
  const { rows } = await sql<{ count: number }>`
    select coalesce(sum(amount), 0)::bigint as count from (
      select name as ${column}, amount from tally where application_id = ${applicationId} and kind = ${kind}) as change
    where ${where}`.execute(db);
  return rows[0]?.count ?? 0;
}
