import { rootCause } from './errors.js';

/** Errors whose message says all that a person needs: no stack belongs beside it. */
const TOLD = new Set(['StartError', 'ConfigError']);

export function isTold(error: unknown): error is Error {
  return error instanceof Error && TOLD.has(error.name);
}

/** A problem at start that a person can mend, in one line. */
export class StartError extends Error {
  constructor(message: string, cause?: unknown) {
    super(cause === undefined ? message : `${message}: ${rootCause(cause)}`, { cause });
    this.name = 'StartError';
  }
}
