import { sql } from 'kysely';
import type { Database } from './database.js';
import type { Tables } from './tables.js';

/** A column with values that the vault has sealed. The repository of the table exports it, for a change of the key. */
export interface SealedColumn {
  table: keyof Tables;
  column: string;
  /** The columns that identify a row. */
  key: readonly string[];
  /** The context of the sealing; `key`: the row's values of the columns above. */
  contextOf: (...key: string[]) => string;
}

export interface SealedValue {
  context: string;
  value: Buffer;
  /** Writes another value; false if the row has changed since. */
  replace: (value: Buffer) => Promise<boolean>;
}

const LOT = 500;

/** The values of a column, read in lots while processes run. */
export async function* sealedValues(
  { kysely }: Pick<Database, 'kysely'>,
  { table, column, key, contextOf }: SealedColumn,
): AsyncGenerator<SealedValue> {
  const [from, value] = [sql.table(table), sql.ref(column)];
  const names = sql.join(key.map((name) => sql.ref(name)));
  const texts = sql.join(key.map((name) => sql`${sql.ref(name)}::text`));
  for (let after: string[] | undefined; ;) {
    const { rows } = await sql<{ key: string[]; value: Buffer }>`
      select array[${texts}] as key, ${value} as value from ${from}
      where ${value} is not null and ${after ? sql`(${names}) > (${sql.join(after)})` : sql`true`}
      order by ${names} limit ${LOT}`.execute(kysely);
    for (const row of rows)
      yield {
        context: contextOf(...row.key),
        value: row.value,
        replace: async (other) => {
          const { numAffectedRows = 0n } = await sql`
            update ${from} set ${value} = ${other}
            where (${names}) = (${sql.join(row.key)}) and ${value} = ${row.value}`.execute(kysely);
          return numAffectedRows > 0n;
        },
      };
    after = rows.at(-1)?.key;
    if (rows.length < LOT) return;
  }
}
