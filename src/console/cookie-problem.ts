import type { FastifyRequest } from 'fastify';
import { firstOf } from '../http/origin.js';
import type { Origin } from '../http/origin.js';
import { isThisMachine } from '../setting-values.js';

/** Why a browser would not keep the session, for the page to tell before a secret is sent. */
export interface Problem {
  code: 'noTls' | 'untrustedProxy' | 'hiddenTls';
  message: string;
  /** The setting to change; null: none. */
  setting: string | null;
  /** The address of the proxy; null: there is none. */
  proxy: string | null;
}

/** Null: a browser keeps the session's cookie, over https or on its own machine. Pure. */
export function findProblem(
  { headers, socket }: Pick<FastifyRequest, 'headers' | 'socket'>,
  { scheme, host }: Origin,
  isFromProxy: boolean,
): Problem | null {
  if (scheme === 'https' || isThisMachine(host.replace(/:\d+$/, ''))) return null;
  const proxy = socket.remoteAddress ?? 'its address';
  if (!isFromProxy && firstOf(headers['x-forwarded-proto'])?.toLowerCase() === 'https')
    return {
      code: 'untrustedProxy',
      message: `A proxy at ${proxy} says that the browser speaks https, but TRUST_PROXY does not name this proxy.`,
      setting: 'TRUST_PROXY',
      proxy,
    };
  // Browsers send these headers to origins with https alone, and to their own machine.
  if (headers['sec-fetch-site'] !== undefined)
    return {
      code: 'hiddenTls',
      message: `The browser speaks https, but the proxy at ${proxy} does not tell: let it send X-Forwarded-Proto and X-Forwarded-Host, and name it in TRUST_PROXY.`,
      setting: 'TRUST_PROXY',
      proxy,
    };
  return {
    code: 'noTls',
    message:
      'This page came by plain http, and a secret would be readable on its way. Put a proxy that ends TLS in front of Carillon and name it in TRUST_PROXY, or open the console on the machine itself (http://localhost), for example through an SSH tunnel.',
    setting: 'TRUST_PROXY',
    proxy: null,
  };
}
