import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { redact } from '../common/redact.js';

/** An id that fits a log line, a header and a file name as it is. Two headers arrive joined by a comma, and a space. */
const SANE = /^[A-Za-z0-9][A-Za-z0-9._~:/+=@-]{0,127}$/;

/** Ids of this process begin alike, and end with a number: a random id for each would cost ten times as much. */
const START = randomBytes(9).toString('base64url').replaceAll(/[_-]/g, '0');
let made = 0;

/**
 * The caller's `X-Request-Id` if it is sane, else a new one; for log lines, audit events and the answer's header. An id
 * that the log would cut like a secret could not be found there.
 */
export function requestIdOf({ headers }: Pick<IncomingMessage, 'headers'>): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && SANE.test(given) && redact(given) === given
    ? given
    : `${START}-${(made++).toString(36)}`;
}
