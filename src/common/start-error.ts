import { rootCause } from './errors.js';

/** A problem at start that a person can mend, in one line. */
export class StartError extends Error {
  constructor(message: string, cause?: unknown) {
    super(cause === undefined ? message : `${message}: ${rootCause(cause)}`, { cause });
    this.name = 'StartError';
  }
}
