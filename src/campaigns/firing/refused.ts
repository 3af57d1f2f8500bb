/** SQLSTATE classes 22 (data), 23 (constraints) and 54 (limits), or our own arithmetic: the campaign is at fault, and not the database. */
export function isRefused(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return error instanceof RangeError || error instanceof TypeError || /^(?:2[23]|54)/.test(String(code));
}
