/** What says that the database cannot serve now, and may in a while: the caller is asked to come again, and nothing is a fault of its request. */

/**
 * SQLSTATE (postgresql.org/docs/current/errcodes-appendix.html): connections (08), roles and databases that are refused
 * (28, 3D), conflicts (40), resources such as a full disk (53), the operator (57), the system (58); then a database that
 * takes no connections (`allow_connections`), a read-only transaction, a lock that was not got, and a transaction that waited too long.
 */
const SQL_STATE = /^(08...|28...|3D...|40...|53...|57...|58...|55000|25006|55P03|25P03)$/;

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
    if (typeof code === 'string' && (SQL_STATE.test(code) || SYSTEM.test(code))) return true;
    const { message } = current;
    if (code === undefined && WORDS.some((words) => words.test(message))) return true;
  }
  return false;
}
