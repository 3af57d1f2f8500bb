import type { FastifyRequest } from 'fastify';
import { textOf } from '../../http/origin.js';
import type { Origin } from '../../http/origin.js';

/**
 * Pure rules against forged requests. A page of another site can make a browser send the session's cookie, but neither
 * this header (a form cannot set one, and a script would have to ask by CORS, which is never answered) nor the
 * browser's own headers.
 */
export const CONSOLE_HEADER = 'carillon-console';
/** With a request that a page makes by itself: the session's idle time goes on. */
export const REFRESH_HEADER = 'carillon-refresh';

/**
 * Whether the request comes from a page of this origin. Browsers send `Sec-Fetch-Site` to https and to their own
 * machine; otherwise `Origin` tells, which a browser leaves out only of a GET to the same origin.
 */
export function isOwnPage({ headers, method }: Pick<FastifyRequest, 'headers' | 'method'>, own: Origin): boolean {
  if (headers[CONSOLE_HEADER] !== '1') return false;
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin';
  if (headers.origin !== undefined) return headers.origin === textOf(own);
  return method === 'GET' || method === 'HEAD';
}
