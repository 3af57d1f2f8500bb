import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';

/** `$1::bigint[]`: one text of a parameter whatever the list's length, where `pg` would look at each number. */
export function bigints(numbers: readonly number[]): RawBuilder<number[]> {
  return sql`${`{${numbers.join(',')}}`}::bigint[]`;
}
