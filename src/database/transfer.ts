import { pipeline } from 'node:stream/promises';
import type { Readable, Writable } from 'node:stream';
import pg from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { StartError } from '../common/start-error.js';
import { LEDGER, runSteps } from './migrate.js';
import { MIGRATIONS } from './migrations/migrations.js';
import type { Opened } from './postgres.js';

/**
 * Copies a whole installation, table by table, to a file or to another database. The jobs of a queue in the database
 * stay behind: the sweeper queues again what the tables say is open.
 */

/** The tables of an installation at one moment. */
export interface Contents {
  steps: string[];
  tables: Table[];
}

export interface Table {
  name: string;
  /** In the syntax of a list of columns. */
  columns: string;
}

/** Of the rows of a table, in any order. */
export interface Fingerprint {
  rows: number;
  sum: string;
}

/** Runs the work in a transaction that sees one moment, and delays no other. */
export async function atOneMoment<T>(pool: pg.Pool, work: (client: pg.ClientBase) => Promise<T>): Promise<T> {
  return onClient(pool, 'begin isolation level repeatable read, read only', 'rollback', work);
}

async function onClient<T>(
  pool: pg.Pool,
  begin: string,
  end: string,
  work: (client: pg.ClientBase) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  // A session that ends between two statements tells its reason here, and a copy that begins then tells none.
  const ends: Error[] = [];
  client.on('error', (error) => ends.push(error));
  try {
    // A large table takes longer than a statement of a caller may.
    await client.query(
      `${begin}; set local statement_timeout to 0; set local idle_in_transaction_session_timeout to 0`,
    );
    const result = await work(client);
    await client.query(end);
    return result;
  } catch (error) {
    throw ends[0] ?? error;
  } finally {
    // Ends the session, which rolls back what has not ended.
    client.release(true);
  }
}

/** Throws StartError if this program does not know all tables of the database. */
export async function readContents(client: pg.ClientBase, place: string): Promise<Contents> {
  const { rows: found } = await client.query<{ there: boolean }>(
    `select to_regclass('${LEDGER}') is not null as there`,
  );
  if (!found[0]?.there) throw new StartError(`${place} has no tables of Carillon`);
  const { rows: done } = await client.query<{ name: string }>(`select name from ${LEDGER} order by name`);
  const { rows: tables } = await client.query<Table>(
    `select format('%I', relname) as name, string_agg(format('%I', attname), ', ' order by attname) as columns
     from pg_class c join pg_attribute a on attrelid = c.oid and attnum > 0 and not attisdropped and attgenerated = ''
     where relkind = 'r' and relnamespace = current_schema()::regnamespace and relname not like '${LEDGER}%'
     group by c.oid order by relname`,
  );
  const { rows: arrows } = await client.query<{ child: string; parent: string }>(
    `select format('%I', c.relname) as child, format('%I', p.relname) as parent from pg_constraint
     join pg_class c on c.oid = conrelid join pg_class p on p.oid = confrelid
     where contype = 'f' and connamespace = current_schema()::regnamespace and conrelid <> confrelid`,
  );
  const steps = done.map(({ name }) => name);
  demandKnownSteps(steps, place);
  return { steps, tables: parentsFirst(tables, arrows) };
}

export function demandKnownSteps(steps: readonly string[], place: string): void {
  const unknown = steps.filter((name) => !(name in MIGRATIONS));
  if (unknown.length > 0)
    throw new StartError(`${place} is of a newer Carillon (${unknown.join(', ')}): use the program of that one`);
}

/** A row of a child can be stored when its parent is. */
function parentsFirst(tables: readonly Table[], arrows: readonly { child: string; parent: string }[]): Table[] {
  const sorted: Table[] = [];
  const place = (table: Table): void => {
    if (sorted.includes(table)) return;
    for (const { child, parent } of arrows)
      if (child === table.name) place(tables.find(({ name }) => name === parent)!);
    sorted.push(table);
  };
  for (const table of tables) place(table);
  return sorted;
}

export function readRows(client: pg.ClientBase, { name, columns }: Table): Readable {
  return client.query(copyTo(`copy (select ${columns} from ${name}) to stdout`));
}

export async function fingerprint(client: pg.ClientBase, { name, columns }: Table): Promise<Fingerprint> {
  const { rows } = await client.query<Fingerprint>(
    `select count(*)::float8 as rows, coalesce(sum(hashtextextended(row(${columns})::text, 0)), 0)::text as sum
     from ${name}`,
  );
  return rows[0]!;
}

/** The last values of the sequences, by name. */
export async function readSequences(client: pg.ClientBase): Promise<Record<string, string>> {
  const { rows } = await client.query<{ name: string; value: string }>(
    `select format('%I', sequencename) as name, last_value::text as value from pg_sequences
     where schemaname = current_schema() and last_value is not null`,
  );
  return Object.fromEntries(rows.map(({ name, value }) => [name, value]));
}

/** Stores rows in one of the tables of a database that is being filled. */
export interface Filling {
  rows(table: Table): Writable;
  demand(table: Table, expected: Fingerprint): Promise<void>;
  sequences(values: Readonly<Record<string, string>>): Promise<void>;
  client: pg.ClientBase;
}

/**
 * Makes the tables as the steps make them, and fills them in one transaction: after an interruption the tables are
 * empty, and the next try goes on. Throws StartError if the database has rows of an installation.
 */
export async function fill(
  to: Opened,
  { steps, tables }: Contents,
  work: (filling: Filling) => Promise<void>,
): Promise<void> {
  const known = Object.fromEntries(steps.map((name) => [name, MIGRATIONS[name]!]));
  await to.migrate((pool) => runSteps(pool, to.schema, to.place, known));
  await onClient(to.pool, 'begin', 'commit', async (client) => {
    // No process can use the tables before they are filled.
    await client.query(`lock table ${tables.map(({ name }) => name).join(', ')} in access exclusive mode`);
    const { rows } = await client.query<{ used: boolean }>(
      'select exists (select from application) or exists (select from client) or exists (select from signing_key) as used',
    );
    if (rows[0]?.used)
      throw new StartError(`${to.place} already has an installation of Carillon: give an empty database`);
    // Triggers count what happens; the copied rows have been counted.
    for (const { name } of tables) await client.query(`alter table ${name} disable trigger user`);
    await client.query(`truncate ${tables.map(({ name }) => name).join(', ')}`);
    await work({
      client,
      rows: ({ name, columns }) => client.query(copyFrom(`copy ${name} (${columns}) from stdin`)),
      demand: async (table, expected) => {
        const found = await fingerprint(client, table);
        if (found.rows !== expected.rows || found.sum !== expected.sum)
          throw new StartError(
            `${table.name}: ${found.rows} of ${expected.rows} rows were copied, and not as they were`,
          );
      },
      sequences: async (values) => {
        for (const [name, value] of Object.entries(values)) await client.query('select setval($1, $2)', [name, value]);
      },
    });
    for (const { name } of tables) await client.query(`alter table ${name} enable trigger user`);
  });
  await to.migrate((pool) => pool.query('analyze'));
}

/** Copies every row from one database to another, and compares them there. Returns the number of rows. */
export async function moveRows(from: Opened, to: Opened): Promise<number> {
  return atOneMoment(from.pool, async (source) => {
    const contents = await readContents(source, from.place);
    let count = 0;
    await fill(to, contents, async (filling) => {
      for (const table of contents.tables) {
        await pipeline(readRows(source, table), filling.rows(table));
        const expected = await fingerprint(source, table);
        await filling.demand(table, expected);
        count += expected.rows;
      }
      await filling.sequences(await readSequences(source));
    });
    return count;
  });
}

/** Messages and campaigns that a program over these rows would go on with. */
export async function describeOpen(client: Pick<pg.ClientBase, 'query'>): Promise<string> {
  const { rows } = await client.query<{ messages: number; campaigns: number; events: number }>(
    `select (select count(*)::int from message where finished_at is null) as messages,
       (select count(*)::int from campaign where state = 'active') as campaigns,
       (select count(*)::int from webhook_event) as events`,
  );
  const { messages, campaigns, events } = rows[0]!;
  return `${messages} unfinished messages, ${campaigns} active campaigns, ${events} waiting events of webhooks`;
}

/** Stops every application as in an emergency, and disables every webhook, until an operator enables each of them. */
export async function silence(pool: pg.Pool): Promise<void> {
  await pool.query(`update application set stopped_at = now(), stopped_by = 'restore' where stopped_at is null`);
  await pool.query(`update webhook set disabled_at = now(), disabled_reason = 'restored with --stopped'
    where disabled_at is null`);
}
