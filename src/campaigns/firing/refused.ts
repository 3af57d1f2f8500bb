import { SQL_CLASS, hasSqlState } from '../../common/sql-state.js';

/** Whether the values of the campaign caused the error, reported by the database or by our own arithmetic. */
export function isRefused(error: unknown): boolean {
  const { dataException, constraintViolation, programLimitExceeded } = SQL_CLASS;
  if (error instanceof RangeError || error instanceof TypeError) return true;
  return hasSqlState(error, dataException, constraintViolation, programLimitExceeded);
}
