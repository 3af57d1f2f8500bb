import { SQL_CLASS, SQL_STATE, hasSqlState } from './sql-state.js';

/**
 * Errors that mean that the database cannot serve now and may do so later: the caller is asked to try again, and the
 * request is not at fault.
 */

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

/** Node's error codes of connections and disks. */
const SYSTEM = /^(ECONN\w+|ETIMEDOUT|EPIPE|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|ENOSPC)$/;

/** Messages of `pg` and its pool without a code. */
const WORDS = [
  /^Connection terminated/,
  /^timeout exceeded when trying to connect$/,
  /^Client has encountered a connection error/,
  /^Client was closed and is not queryable$/,
];

/** Seconds: a failover takes several, and callers should not all return within each second. */
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
