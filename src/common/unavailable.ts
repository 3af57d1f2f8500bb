import { SQL_CLASS, SQL_STATE, hasSqlState } from './sql-state.js';

/** What says that the database cannot serve now, and may in a while: the caller is asked to come again, and nothing is a fault of its request. */

const STATES = [
  SQL_CLASS.connectionException,
  SQL_CLASS.invalidAuthorization,
  SQL_CLASS.invalidCatalogName,
  SQL_CLASS.transactionRollback,
  SQL_CLASS.insufficientResources,
  SQL_CLASS.operatorIntervention,
  SQL_CLASS.systemError,
  SQL_STATE.notInPrerequisiteState,
  SQL_STATE.readOnlyTransaction,
  SQL_STATE.lockNotAvailable,
  SQL_STATE.idleInTransactionTimeout,
] as const;

/** What Node says of a connection, and of a disk. */
const SYSTEM = /^(ECONN\w+|ETIMEDOUT|EPIPE|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|ENOSPC)$/;

/** What `pg` and its pool say without a code. */
const WORDS = [
  /^Connection terminated/,
  /^timeout exceeded when trying to connect$/,
  /^Client has encountered a connection error/,
  /^Client was closed and is not queryable$/,
];

/** In seconds: a failover takes some, and callers must not come back all at once with each of them. */
export const RETRY_AFTER_S = 5;

export function isUnavailable(error: unknown): boolean {
  for (let current = error; current instanceof Error; current = current.cause) {
    const { code } = current as { code?: unknown };
    if (hasSqlState(current, ...STATES)) return true;
    if (typeof code === 'string' && SYSTEM.test(code)) return true;
    const { message } = current;
    if (code === undefined && WORDS.some((words) => words.test(message))) return true;
  }
  return false;
}
