import { sql } from 'kysely';
import type { Kysely, RawBuilder } from 'kysely';
import { invalidValue } from '../common/errors.js';
import type { Condition, Filter } from '../common/filter.js';
import type { Cursor, Key, Page, PageRequest } from '../common/paging.js';
import type { Tables } from './tables.js';

/** A list that is read by pages. */
export interface List<Row> {
  /** The columns it is ordered by, ascending, with their types; together they are unique, and `rows` selects them too. */
  keys: Readonly<Record<string, 'bigint' | 'text'>>;
  /** `device where application_id = …`: with an index over conditions and keys, a page touches its own rows only. */
  from: RawBuilder<unknown>;
  /** Selects the rows to the keys that `page` selects, in any order. */
  rows: (page: RawBuilder<unknown>) => RawBuilder<Row>;
  /** When somebody knows better than counting `from`. */
  count?: () => Promise<number>;
}

/**
 * The page beside its cursor, or else the one at its offset, for which PostgreSQL passes over as many index entries.
 * Throws FPWSE0005E for a cursor of another list.
 */
export async function readList<Row extends object>(
  db: Kysely<Tables>,
  list: List<Row>,
  { cursor, offset, size }: PageRequest,
): Promise<Page<Row>> {
  const columns = Object.keys(list.keys).map((name) => sql.id(name));
  const backward = cursor?.side === 'before';
  const keys = sql`select ${sql.join(columns)} from ${list.from} ${cursor ? sql`and ${beside(list.keys, cursor)}` : sql``}
    order by ${sql.join(backward ? columns.map((column) => sql`${column} desc`) : columns)}
    limit ${size + 1} offset ${cursor ? 0 : offset}`;
  const { rows } = await sql<Row>`select * from (${list.rows(keys)}) as listed order by ${sql.join(columns)}`.execute(db);
  // The one more that was asked for tells whether another page follows.
  const more = rows.length > size;
  if (more) rows.splice(backward ? 0 : size, 1);
  const total = cursor?.total ?? (await (list.count?.() ?? countRows(db, list.from)));
  const link = (side: Cursor['side'], row: Row | undefined): Cursor | undefined =>
    row && { side, key: Object.keys(list.keys).map((name) => (row as Record<string, Key[number]>)[name]!), total };
  return {
    rows,
    total,
    next: backward || more ? link('after', rows.at(-1)) : undefined,
    previous: (backward ? more : offset > 0) ? link('before', rows[0]) : undefined,
  };
}

async function countRows(db: Kysely<Tables>, from: RawBuilder<unknown>): Promise<number> {
  const { rows } = await sql<{ count: number }>`select count(*) as count from ${from}`.execute(db);
  return rows[0]?.count ?? 0;
}

function beside(keys: List<unknown>['keys'], { side, key }: Cursor): RawBuilder<boolean> {
  const types = Object.values(keys);
  const fits = (type: string, index: number): boolean => typeof key[index] === (type === 'text' ? 'string' : 'number');
  if (key.length !== types.length || !types.every(fits)) throw invalidValue('cursor', 'it is of another list');
  const columns = sql.join(Object.keys(keys).map((name) => sql.id(name)));
  const values = sql.join(key.map((value, index) => sql`${value}::${sql.raw(types[index]!)}`));
  return sql`(${columns}) ${sql.raw(side === 'after' ? '>' : '<')} (${values})`;
}

/** `test` says a condition in SQL: `sameOrContains(sql.ref('name'), condition)` for a column of text. */
export function toSql(filter: Filter, test: (condition: Condition) => RawBuilder<boolean>): RawBuilder<boolean> {
  const lists = filter.map((conditions) => sql<boolean>`(${sql.join(conditions.map(test), sql` or `)})`);
  return lists.length > 0 ? sql`(${sql.join(lists, sql` and `)})` : sql`true`;
}

export function sameOrContains(column: RawBuilder<unknown>, { operator, value }: Condition): RawBuilder<boolean> {
  return operator === '==' ? sql`${column} = ${value}` : sql`position(${value}::text in ${column}) > 0`;
}
