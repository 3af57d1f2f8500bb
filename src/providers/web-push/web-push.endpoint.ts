import { isListed } from '../../common/host-list.js';
import { leadsInside } from '../../common/public-address.js';

/** A subscription's endpoint, split into parts. */
export interface Endpoint {
  /** As in a JWT's `aud`: scheme, host, and port if it is not 443. */
  origin: string;
  /** Path and query. */
  path: string;
  /** Microsoft's service, which speaks HTTP/1.1 and has its own headers. */
  isWindows: boolean;
}

const LONGEST_ENDPOINT = 2_048;

/** Endpoints that may be written to. */
export interface EndpointRules {
  /** Allows endpoints at private addresses, for simulators. */
  allowPrivate: boolean;
  /** Hosts that endpoints may name; empty: any host. */
  hosts: readonly string[];
}

/**
 * Splits an endpoint, or returns the reason of refusal: no https, a user or password, a host that is not listed, or an
 * IP address that is not public (without `allowPrivate`).
 */
export function readEndpoint(text: string, { allowPrivate, hosts }: EndpointRules): Endpoint | string {
  if (text.length > LONGEST_ENDPOINT || !URL.canParse(text)) return 'the endpoint must be an https URL';
  const url = new URL(text);
  if (url.protocol !== 'https:') return 'the endpoint must be an https URL';
  if (url.username !== '' || url.password !== '') return 'the endpoint must not hold a user or password';
  if (!allowPrivate && leadsInside(url)) return 'the endpoint must be at a public address';
  if (hosts.length > 0 && !isListed(url, hosts)) return 'the endpoint must be at a host of WEB_PUSH_HOSTS';
  const isWindows =
    url.hostname.endsWith('.notify.windows.com') || (url.pathname === '/w/' && url.searchParams.has('token'));
  return { origin: url.origin, path: url.pathname + url.search, isWindows };
}
