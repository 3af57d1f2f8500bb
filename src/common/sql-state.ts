/**
 * SQLSTATE: the code of five characters in each error of PostgreSQL; the first two are its class. Names and meanings:
 * PostgreSQL, Appendix A (postgresql.org/docs/current/errcodes-appendix.html).
 */
export const SQL_STATE = {
  foreignKeyViolation: '23503',
  uniqueViolation: '23505',
  readOnlyTransaction: '25006',
  idleInTransactionTimeout: '25P03',
  serializationFailure: '40001',
  completionUnknown: '40003',
  deadlock: '40P01',
  duplicateObject: '42710',
  /** Also for indexes and sequences. */
  duplicateTable: '42P07',
  tooManyConnections: '53300',
  /** For example by statement_timeout. */
  queryCanceled: '57014',
  /** Also by pg_terminate_backend. */
  adminShutdown: '57P01',
  crashShutdown: '57P02',
  /** For example: the database accepts no connections (`allow_connections`). */
  notInPrerequisiteState: '55000',
  lockNotAvailable: '55P03',
} as const;

export const SQL_CLASS = {
  connectionException: '08',
  dataException: '22',
  constraintViolation: '23',
  /** Refused roles. */
  invalidAuthorization: '28',
  /** The database does not exist. */
  invalidCatalogName: '3D',
  transactionRollback: '40',
  /** For example a table that does not exist, or a missing right. */
  syntaxOrAccess: '42',
  /** For example a full disk. */
  insufficientResources: '53',
  programLimitExceeded: '54',
  operatorIntervention: '57',
  systemError: '58',
} as const;

type SqlState = (typeof SQL_STATE)[keyof typeof SQL_STATE];
type SqlClass = (typeof SQL_CLASS)[keyof typeof SQL_CLASS];

/** Whether the error carries one of these states, or a state of one of these classes. */
export function hasSqlState(error: unknown, ...wanted: readonly (SqlState | SqlClass)[]): boolean {
  const { code } = (error ?? {}) as { code?: unknown };
  if (typeof code !== 'string' || code.length !== 5) return false;
  return wanted.some((state) => code === state || code.slice(0, 2) === state);
}

/** The transaction conflicted with another one and was rolled back; a repetition may succeed. */
export function isConflict(error: unknown): boolean {
  return hasSqlState(error, SQL_STATE.serializationFailure, SQL_STATE.deadlock);
}
