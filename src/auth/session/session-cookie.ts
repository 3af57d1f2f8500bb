import { createHash } from 'node:crypto';
import type { Origin } from '../../http/origin.js';

/** Pure rules of the console's cookies. */

/**
 * Differs between two installations on one host: cookies do not know ports, and each installation would overwrite the
 * other's. The host is for a copy of a database, which has the id of its original.
 */
export function cookieName(what: 'session' | 'sign-in', installation: string, { scheme, host }: Origin): string {
  const tag = createHash('sha256').update(`${installation}\0${host}`).digest('hex').slice(0, 8);
  const prefix = scheme === 'https' ? '__Host-' : '';
  return `${prefix}carillon-${what === 'session' ? '' : `${what}-`}${tag}`;
}

/**
 * `Secure` is left out in development by plain http alone: the browsers that keep a cookie with `Secure` of
 * http://localhost are most, not all. A sign-in comes back by a link of another site, which `Strict` would hold back.
 */
export function cookieText(
  what: 'session' | 'sign-in',
  [name, value]: readonly [name: string, value: string],
  { isSecure, seconds }: { isSecure: boolean; seconds?: number },
): string {
  const site = what === 'session' ? 'Strict' : 'Lax';
  const age = seconds === undefined ? '' : `; Max-Age=${seconds}`;
  return `${name}=${value}; Path=/; HttpOnly; SameSite=${site}${isSecure ? '; Secure' : ''}${age}`;
}

/** The value of the first cookie of this name. */
export function readCookie(header: string | undefined, name: string): string | undefined {
  for (const pair of header?.split(';') ?? []) {
    const at = pair.indexOf('=');
    if (at > 0 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim();
  }
  return undefined;
}
