import type { Identified } from '../provider.js';

/** Apple documents no fixed length ("treat as opaque"), but hexadecimal digits in the request's path. */
const TOKEN = /^[\da-f]{2,512}$/i;

/** Other characters would change the path of the request. */
export function isDeviceToken(token: string): boolean {
  return TOKEN.test(token);
}

/** The digits stand for bytes, so upper and lower case are equal. */
export function identifyDeviceToken(token: string): Identified {
  if (!isDeviceToken(token))
    return { refusal: 'it must be 2 to 512 hexadecimal digits, without white space or brackets' };
  return { identity: token.toLowerCase() };
}
