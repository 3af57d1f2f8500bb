import { SQL_CLASS, SQL_STATE, hasSqlState } from '../common/sql-state.js';

/**
 * Writes items together, or each alone if the database refuses that, so that one bad item does not affect the others.
 * After any other failure the result is unknown: all items get the error, and none is written twice.
 */
export async function writeTogether<T, R>(
  items: readonly T[],
  together: () => Promise<readonly R[]>,
  alone: (item: T) => Promise<R>,
): Promise<PromiseSettledResult<R>[]> {
  try {
    return (await together()).map((value) => ({ status: 'fulfilled', value }));
  } catch (reason) {
    if (!isRolledBack(reason)) return items.map(() => ({ status: 'rejected', reason }));
    return Promise.allSettled(items.map(alone));
  }
}

/** The result of one item. */
export function resultOf<R>(settled: PromiseSettledResult<R>): R {
  if (settled.status === 'rejected') throw settled.reason;
  return settled.value;
}

/** Whether the transaction has certainly left no changes. */
function isRolledBack(error: unknown): boolean {
  const { dataException, constraintViolation, transactionRollback } = SQL_CLASS;
  if (hasSqlState(error, SQL_STATE.completionUnknown)) return false;
  return hasSqlState(error, dataException, constraintViolation, transactionRollback);
}
