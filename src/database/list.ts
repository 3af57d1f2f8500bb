import { sql } from 'kysely';
import type { Kysely, RawBuilder } from 'kysely';
import { invalidValue } from '../common/errors.js';
import type { Condition, Filter } from '../common/filter.js';
import type { Cursor, Key, Page, PageRequest } from '../common/paging.js';
import type { Tables } from './tables.js';

/** A list that is read in pages. */
export interface List<Row> {
  /** The columns of the order, ascending, with their types; together they are unique, and `rows` selects them too. */
  keys: Readonly<Record<string, 'bigint' | 'text'>>;
  /** `device where application_id = …`: with an index over conditions and keys, a page touches its own rows only. */
  from: RawBuilder<unknown>;
  /** Selects the rows for the keys that `page` selects, in any order. */
  rows: (page: RawBuilder<unknown>) => RawBuilder<Row>;
  /** If a stored count exists; else `from` is counted. */
  count?: () => Promise<number>;
}

/**
 * The page beside its cursor, or else the one at its offset, for which PostgreSQL skips as many index entries. Several
 * lists are read one after another, as one list. Throws FPWSE0005E for a cursor of another list.
 */
export async function readList<Row extends object>(
  db: Kysely<Tables>,
  list: List<Row> | readonly List<Row>[],
  { cursor, offset, size }: PageRequest,
): Promise<Page<Row>> {
  const lists = [list].flat();
  const countAll = (): Promise<number[]> =>
    Promise.all(lists.map((each) => each.count?.() ?? countRows(db, each.from)));
  // The counts tell which list an offset is in.
  const counts = cursor || offset === 0 ? [] : await countAll();
  const backward = cursor?.side === 'before';
  const [origin = 0, ...key] = cursor?.key ?? [];
  if (typeof origin === 'string' || !lists[origin]) throw invalidValue('cursor', OTHER_LIST);
  const found: { part: number; row: Row }[] = [];
  let skip = offset;
  // One row more than requested tells whether another page follows.
  for (let part = origin; lists[part] && found.length <= size; part += backward ? -1 : 1) {
    const count = counts[part];
    if (count !== undefined && count <= skip) skip -= count;
    else {
      const start = cursor && part === origin ? beside(lists[part]!.keys, cursor.side, key) : undefined;
      const range = { start, backward, offset: cursor ? 0 : skip, limit: size + 1 - found.length };
      const rows = (await readRows(db, lists[part]!, range)).map((row) => ({ part, row }));
      found.splice(backward ? 0 : found.length, 0, ...rows);
      skip = 0;
    }
  }
  const more = found.length > size;
  if (more) found.splice(backward ? 0 : size, 1);
  // If the first page is not full, its length is the total.
  const total =
    cursor?.total ?? (offset === 0 && !more ? found.length : sum(counts.length > 0 ? counts : await countAll()));
  const link = (side: Cursor['side'], edge: (typeof found)[number] | undefined): Cursor | undefined =>
    edge && { side, key: [edge.part, ...keyOf(lists[edge.part]!, edge.row)], total };
  return {
    rows: found.map(({ row }) => row),
    total,
    next: backward || more ? link('after', found.at(-1)) : undefined,
    previous: (backward ? more : offset > 0) ? link('before', found[0]) : undefined,
  };
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}

interface Range {
  start: RawBuilder<boolean> | undefined;
  backward: boolean;
  offset: number;
  limit: number;
}

async function readRows<Row>(db: Kysely<Tables>, list: List<Row>, range: Range): Promise<Row[]> {
  const columns = Object.keys(list.keys).map((name) => sql.id(name));
  const order = sql.join(range.backward ? columns.map((column) => sql`${column} desc`) : columns);
  const keys = sql`select ${sql.join(columns)} from ${list.from} ${range.start ? sql`and ${range.start}` : sql``}
    order by ${order} limit ${range.limit} offset ${range.offset}`;
  const { rows } = await sql<Row>`select * from (${list.rows(keys)}) as listed order by ${sql.join(columns)}`.execute(
    db,
  );
  return rows;
}

function keyOf<Row>(list: List<Row>, row: Row): Key {
  return Object.keys(list.keys).map((name) => (row as Record<string, Key[number]>)[name]!);
}

async function countRows(db: Kysely<Tables>, from: RawBuilder<unknown>): Promise<number> {
  const { rows } = await sql<{ count: number }>`select count(*) as count from ${from}`.execute(db);
  return rows[0]?.count ?? 0;
}

const OTHER_LIST = 'it belongs to another list';

function beside(keys: List<unknown>['keys'], side: Cursor['side'], key: Key): RawBuilder<boolean> {
  const types = Object.values(keys);
  const fits = (type: string, index: number): boolean => typeof key[index] === (type === 'text' ? 'string' : 'number');
  if (key.length !== types.length || !types.every(fits)) throw invalidValue('cursor', OTHER_LIST);
  const columns = sql.join(Object.keys(keys).map((name) => sql.id(name)));
  const values = sql.join(key.map((value, index) => sql`${value}::${sql.raw(types[index]!)}`));
  return sql`(${columns}) ${sql.raw(side === 'after' ? '>' : '<')} (${values})`;
}

/** `test` turns a condition into SQL: `sameOrContains(sql.ref('name'), condition)` for a text column. */
export function toSql(filter: Filter, test: (condition: Condition) => RawBuilder<boolean>): RawBuilder<boolean> {
  const lists = filter.map((conditions) => sql<boolean>`(${sql.join(conditions.map(test), sql` or `)})`);
  return lists.length > 0 ? sql`(${sql.join(lists, sql` and `)})` : sql`true`;
}

export function sameOrContains(column: RawBuilder<unknown>, { operator, value }: Condition): RawBuilder<boolean> {
  return operator === '==' ? sql`${column} = ${value}` : sql`position(${value}::text in ${column}) > 0`;
}
