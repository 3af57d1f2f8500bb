import pg from 'pg';
import { MINUTE_MS } from '../common/durations.js';
import { SQL_STATE, hasSqlState } from '../common/sql-state.js';
import { PatientPool } from './patient-pool.js';
import type { Inside } from './patient-pool.js';

/** How long a statement may take on the server, waiting for locks included; then it is taken back (57014). */
export const STATEMENT_MS = 15_000;
/** And for a lock alone (55P03). */
const LOCK_MS = 10_000;
/**
 * What the server has had no answer for by then it will not answer: it, or the way to it, is gone without a word. Longer
 * than any statement takes, and short enough that all goes on within 30 s of the server's return.
 */
export const SILENCE_MS = 20_000;
/** A transaction that its process has forgotten, as a stopped one does, lets go of its locks. */
const IDLE_IN_TRANSACTION_MS = MINUTE_MS;
const CONNECT_MS = 5_000;
/** Node asks then ten times, a second apart: an idle listener learns of a lost server within 20 s. */
const KEEP_ALIVE_AFTER_MS = 10_000;

/**
 * What our statements and the reading of their answers rely on. The role, the database, the server, a pooler or the URL may
 * set any of these otherwise, so that each connection is given them by statement: PgBouncer takes no startup parameters.
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

/** The statements that prepare a session, in one text. */
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
 * A statement of a migration may wait for a lock, or work, for minutes. When its process has ended meanwhile it is taken back
 * at the next look. Not every platform of PostgreSQL can look (postgresql.org/docs/current/runtime-config-connection.html).
 */
const TAKE_BACK = `do $$ begin set client_connection_check_interval to '2s'; exception when others then null; end $$`;

export interface PoolOptions {
  max: number;
  /** As `set search_path to` takes it. */
  searchPath: string;
  /** Of each statement; 0: no bound, for migrations. */
  statementMs?: number;
}

/** A pool whose connections are prepared once each, and none of which waits for ever. */
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
  // An idle connection that the server ends (restart, failover) is replaced at the next query; the pool has dropped it.
  pool.on('error', () => undefined);
  // One that ends while it is in use fails its query, which is all there is to say; without a listener it would be the process.
  pool.on('connect', (client) => client.on('error', () => undefined));
  renewReadOnly(pool);
  return pool;
}

async function prepare(client: pg.ClientBase, text: string, bounded: boolean): Promise<void> {
  client.on('error', () => undefined);
  // The socket's own timer, which begins anew with each byte written or read, costs a statement nothing.
  if (bounded) endWhenSilent(client as unknown as Inside);
  await client.query(text);
}

function endWhenSilent(client: Inside): void {
  const { stream } = client.connection;
  stream.setTimeout(SILENCE_MS, () => {
    // A listener, or a connection at rest, is not waiting for an answer.
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
 * A connection that may not write is not kept: after a failover the next leads to the new primary, and a setting of the
 * database holds for new sessions only.
 */
function renewReadOnly(pool: pg.Pool): void {
  const readOnly = new WeakSet<object>();
  pool.on('connect', (client) =>
    (client as unknown as Inside).connection.on('errorMessage', (error) => {
      if (hasSqlState(error, SQL_STATE.readOnlyTransaction)) readOnly.add(client);
    }),
  );
  pool.on('release', (_error, client) => {
    if (readOnly.has(client)) void (client as pg.Client).end();
  });
}
