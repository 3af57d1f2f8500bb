import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Database } from './database.js';

/** Rows that a round of housekeeping would take, of how many of their kind. */
export interface Due {
  due: number;
  all: number;
}

/** A round that takes no more than this is no mass removal, so that small installations need no guard. */
export const FEW = 20;

/** Counts both, the second only where it matters: some 100 ms for a million rows. Each is what follows `from`. */
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
