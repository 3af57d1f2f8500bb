import { SQL_CLASS, SQL_STATE, hasSqlState } from '../common/sql-state.js';

/**
 * Writes items together or, when the database refuses that, each alone: one must not take the others with it. Of any other
 * failure nobody knows what it left, so that all are told and none is written twice.
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

/** What became of one of them. */
export function resultOf<R>(settled: PromiseSettledResult<R>): R {
  if (settled.status === 'rejected') throw settled.reason;
  return settled.value;
}

/** Whether the transaction has certainly left nothing. */
function isRolledBack(error: unknown): boolean {
  const { dataException, constraintViolation, transactionRollback } = SQL_CLASS;
  if (hasSqlState(error, SQL_STATE.completionUnknown)) return false;
  return hasSqlState(error, dataException, constraintViolation, transactionRollback);
}
