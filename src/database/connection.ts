import pg from 'pg';
import { MINUTE_MS } from '../common/durations.js';
import { SQL_STATE, hasSqlState } from '../common/sql-state.js';
import { PatientPool } from './patient-pool.js';
import type { Inside } from './patient-pool.js';

/** Longest time of a statement on the server, including waits for locks; then the server cancels it (57014). */
export const STATEMENT_MS = 15_000;
/** Longest wait for a lock (55P03). */
const LOCK_MS = 10_000;
/**
 * After this time without an answer the server or the network counts as lost. Longer than any statement, and short
 * enough that all work continues within 30 s of the server's return.
 */
export const SILENCE_MS = 20_000;
/** Ends a transaction of a stopped process, so that its locks are released. */
const IDLE_IN_TRANSACTION_MS = MINUTE_MS;
const CONNECT_MS = 5_000;
/** After this time Node sends ten probes, one per second: an idle listener detects a lost server within 20 s. */
const KEEP_ALIVE_AFTER_MS = 10_000;

/**
 * Session settings that our statements and parsers rely on. Role, database, server, pooler or URL may set other values,
 * so each connection sets them by statement: PgBouncer accepts no startup parameters.
 */
const SESSION: Readonly<Record<string, string>> = {
  client_encoding: 'UTF8',
  datestyle: 'ISO, MDY',
  intervalstyle: 'postgres',
  timezone: 'UTC',
  bytea_output: 'hex',
  standard_conforming_strings: 'on',
  default_transaction_isolation: 'read committed',
  default_transaction_deferrable: 'off',
  idle_in_transaction_session_timeout: String(IDLE_IN_TRANSACTION_MS),
  idle_session_timeout: '0',
};

/** The statements that prepare a session, as one text. */
export function preparation(searchPath: string, statementMs: number): string {
  const settings = {
    ...SESSION,
    search_path: searchPath,
    statement_timeout: String(statementMs),
    lock_timeout: String(statementMs === 0 ? 0 : LOCK_MS),
  };
  return Object.entries(settings)
    .map(([name, value]) => `set ${name} to ${name === 'search_path' ? value : pg.escapeLiteral(value)}`)
    .join('; ');
}

/**
 * A statement of a migration may wait for a lock, or run, for minutes. This setting lets the server cancel it within 2
 * s after its process has ended. Not every platform supports the setting
 * (postgresql.org/docs/current/runtime-config-connection.html).
 */
const TAKE_BACK = `do $$ begin set client_connection_check_interval to '2s'; exception when others then null; end $$`;

export interface PoolOptions {
  max: number;
  /** In the syntax of `set search_path to`. */
  searchPath: string;
  /** Limit of each statement; 0: no limit, for migrations. */
  statementMs?: number;
}

/** A pool that prepares each connection once, and whose queries never wait without limit. */
export function newPool(
  address: pg.ClientConfig,
  { max, searchPath, statementMs = STATEMENT_MS }: PoolOptions,
): PatientPool {
  const text = [preparation(searchPath, statementMs), ...(statementMs === 0 ? [TAKE_BACK] : [])].join('; ');
  const options = {
    ...address,
    application_name: address.application_name ?? 'carillon',
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_AFTER_MS,
  };
  const pool = new PatientPool(max, options, (client) => prepare(client, text, statementMs > 0));
  // If the server ends an idle connection (restart, failover), the pool drops it and the next query opens another.
  pool.on('error', () => undefined);
  // If a connection in use ends, its query fails with the error. Without a listener the event would end the process.
  pool.on('connect', (client) => client.on('error', () => undefined));
  renewUnusable(pool);
  return pool;
}

async function prepare(client: pg.ClientBase, text: string, bounded: boolean): Promise<void> {
  client.on('error', () => undefined);
  // The timer of the socket restarts with each byte, at no cost per statement.
  if (bounded) endWhenSilent(client as unknown as Inside);
  await client.query(text);
}

function endWhenSilent(client: Inside): void {
  const { stream } = client.connection;
  stream.setTimeout(SILENCE_MS, () => {
    // Listeners and idle connections do not wait for an answer.
    if (!client.readyForQuery) stream.destroy(new SilentDatabase());
  });
}

class SilentDatabase extends Error {
  readonly code = 'ETIMEDOUT';

  constructor() {
    super(`The database has not answered for ${SILENCE_MS / 1_000} s`);
    this.name = 'SilentDatabase';
  }
}

/**
 * Drops a read-only connection: after a failover the next one leads to the new primary, and a changed setting of the
 * database applies to new sessions only. Drops a connection that the server is ending: its error arrives before its
 * end, and in between the pool would give it to the next caller.
 */
function renewUnusable(pool: pg.Pool): void {
  const unusable = new WeakSet<object>();
  pool.on('connect', (client) =>
    (client as unknown as Inside).connection.on('errorMessage', (error) => {
      if (hasSqlState(error, SQL_STATE.readOnlyTransaction, SQL_STATE.adminShutdown, SQL_STATE.crashShutdown))
        unusable.add(client);
    }),
  );
  pool.on('release', (_error, client) => {
    if (unusable.has(client)) void (client as pg.Client).end();
  });
}
