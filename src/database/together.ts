/** SQLSTATE classes 22 (data), 23 (constraints) and 40 (deadlocks; of 40003 it is unknown): the transaction was certainly taken back. */
const TAKEN_BACK = /^(2[23]|40(?!003))/;

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
    if (!TAKEN_BACK.test(String((reason as { code?: unknown }).code)))
      return items.map(() => ({ status: 'rejected', reason }));
    return Promise.allSettled(items.map(alone));
  }
}

/** What became of one of them. */
export function resultOf<R>(settled: PromiseSettledResult<R>): R {
  if (settled.status === 'rejected') throw settled.reason;
  return settled.value;
}
