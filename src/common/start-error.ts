import { rootCause } from './errors.js';

/** Errors with a complete message; a stack adds nothing. */
const TOLD = new Set(['StartError', 'ConfigError']);

export function isTold(error: unknown): error is Error {
  return error instanceof Error && TOLD.has(error.name);
}

/** A problem at start that an operator can fix, in one line. */
export class StartError extends Error {
  constructor(message: string, cause?: unknown) {
    super(cause === undefined ? message : `${message}: ${rootCause(cause)}`, { cause });
    this.name = 'StartError';
  }
}
