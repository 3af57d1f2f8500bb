import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';

/** `$1::bigint[]` with one text parameter: `pg` would inspect each number of a list. */
export function bigints(numbers: readonly number[]): RawBuilder<number[]> {
  return sql`${`{${numbers.join(',')}}`}::bigint[]`;
}
