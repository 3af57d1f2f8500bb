import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Database } from './database.js';

/** How many rows a round of housekeeping would delete, and how many there are. */
export interface Due {
  due: number;
  all: number;
}

/** A round that deletes no more rows needs no guard against mass deletion, so small installations have none. */
export const FEW = 20;

/**
 * Counts both, the second only if needed: about 100 ms for a million rows. Both parameters are the text after `from`.
 */
export async function countDue(
  { kysely }: Pick<Database, 'kysely'>,
  due: RawBuilder<unknown>,
  all: RawBuilder<unknown>,
): Promise<Due> {
  const { rows } = await sql<Due>`
    with found as materialized (select count(*)::int as due from ${due})
    select due, case when due > ${FEW} then (select count(*)::int from ${all}) else due end as "all"
    from found`.execute(kysely);
  return rows[0] ?? { due: 0, all: 0 };
}
