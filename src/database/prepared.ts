import type { CompiledQuery, Kysely } from 'kysely';
import pg from 'pg';
import { againOnConflict } from './conflicts.js';
import type { Tables } from './tables.js';

/** How often this process has run each prepared statement. */
const runs = new Map<string, number>();

interface Statement<Row> {
  compile(db: Kysely<Tables>): CompiledQuery<Row>;
}

/** pg's `QueryConfig`, and the number of the plan that a connection needs at least. */
interface Planned {
  name: string;
  text: string;
  plan: number;
}

/**
 * Runs a statement that each connection parses and plans once under its own name: parsing and planning are most of the
 * cost of a small statement. The text must always be the same, and its columns are listed one by one: a kept plan of
 * `*` would fail when a later release has added a column. Outside of a transaction it is repeated after a deadlock.
 *
 * The sixth run under a name keeps the plan if its cost is no higher than that of the first five, which are planned
 * for their parameters. So lists are JSON texts, for which PostgreSQL always expects a hundred rows (it counts the
 * elements of an array). Each row of a table is looked up by `lateral (… offset 0)` or `lateral (… for update)`, once
 * for each row before it, because a plain join may be planned as a merge with a whole index while the table is small.
 * A statement with a range, a `limit` or conditions by choice is not prepared: its best plan depends on their values.
 *
 * Connections plan again each time the number of runs has doubled. PostgreSQL keeps a plan until a table is analysed, a
 * minute or more after a flood of rows, and a plan for tables of one page reads all rows, however many they are later.
 */
export async function executePrepared<Row>(
  db: Kysely<Tables>,
  name: string,
  statement: Statement<Row>,
): Promise<Row[]> {
  const compiled = statement.compile(db);
  const count = (runs.get(name) ?? 0) + 1;
  runs.set(name, count);
  const run = async (): Promise<Row[]> => {
    const planned: Planned = { name, text: compiled.sql, plan: Math.floor(Math.log2(count)) };
    // Kysely passes the text on as it is, and the connection takes an object in its place.
    const query: CompiledQuery<Row> = { ...compiled, sql: planned as unknown as string };
    return (await db.executeQuery(query)).rows;
  };
  return db.isTransaction ? run() : againOnConflict(run);
}

/** Members of pg's connection that its types do not declare. */
interface Statements {
  /** Ends a statement of the server (PostgreSQL's message Close), together with the next statement. */
  close(statement: { type: 'S'; name: string }): void;
  parsedStatements: Record<string, string>;
  submittedNamedStatements: Record<string, string>;
}

/**
 * A connection that ends a prepared statement before its next plan is made, so that it keeps one plan of each. If the
 * server ends the session between two statements, the next ones are rejected with the server's reason: pg emits the
 * reason once, and rejects them without it.
 */
export class PlanningClient extends pg.Client {
  private readonly plans = new Map<string, number>();
  private endReason: Error | undefined;

  constructor(config?: pg.ClientConfig) {
    super(config);
    this.on('error', (error) => (this.endReason ??= error));
  }

  /** Takes what pg takes, and a `Planned`. */
  override query = ((first: unknown, ...rest: [values?: unknown[]]) => {
    if (this.endReason && returnsPromise(first, rest)) return Promise.reject(this.endReason);
    if (!isPlanned(first)) return super.query(first as string, ...rest);
    this.renew(first);
    // pg writes into the object.
    return super.query({ name: first.name, text: first.text }, ...rest);
  }) as pg.Client['query'];

  private renew({ name, plan }: Planned): void {
    const before = this.plans.get(name);
    if (before !== undefined && before >= plan) return;
    this.plans.set(name, plan);
    if (before === undefined) return;
    const { connection } = this as unknown as { connection: Statements };
    connection.close({ type: 'S', name });
    delete connection.parsedStatements[name];
    delete connection.submittedNamedStatements[name];
  }
}

/** pg takes a callback as well, as its pool gives one, and objects that read the result themselves, such as cursors. */
function returnsPromise(first: unknown, rest: readonly unknown[]): boolean {
  const isCursor = typeof first === 'object' && first !== null && 'submit' in first;
  return !isCursor && typeof rest.at(-1) !== 'function';
}

function isPlanned(first: unknown): first is Planned {
  return typeof first === 'object' && first !== null && 'plan' in first;
}
