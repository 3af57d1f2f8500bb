import type { Identified } from '../provider.js';

/** Apple promises no length ("treat as opaque"), and documents hexadecimal digits as their form in the request's path. */
const TOKEN = /^[\da-f]{2,512}$/i;

/** Anything else would be a path of its own. */
export function isDeviceToken(token: string): boolean {
  return TOKEN.test(token);
}

/** The digits stand for bytes, whichever case they are in. */
export function identifyDeviceToken(token: string): Identified {
  if (!isDeviceToken(token))
    return { refusal: 'it must be 2 to 512 hexadecimal digits, without white space or brackets' };
  return { identity: token.toLowerCase() };
}
