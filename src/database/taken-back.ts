/** SQLSTATE classes 22 (data), 23 (constraints) and 40 (deadlocks, but 40003). */
const TAKEN_BACK = /^(2[23]|40(?!003))/;

/** True: the statement or transaction that failed so was certainly taken back. Of any other failure nobody knows. */
export function isTakenBack(error: unknown): boolean {
  return TAKEN_BACK.test(String((error as { code?: unknown }).code));
}
