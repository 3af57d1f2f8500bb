import { isListed } from '../../common/host-list.js';
import { leadsInside } from '../../common/public-address.js';

/** A subscription's endpoint, taken apart. */
export interface Endpoint {
  /** As in a JWT's `aud`: scheme and host, and the port when it is not 443. */
  origin: string;
  /** Path and query. */
  path: string;
  /** Microsoft's service, which speaks HTTP/1.1 and has headers of its own. */
  isWindows: boolean;
}

const LONGEST_ENDPOINT = 2_048;

/** Which endpoints are written to. */
export interface EndpointRules {
  /** Endpoints may be at private addresses: for simulators alone. */
  allowPrivate: boolean;
  /** Hosts that endpoints may name; empty: any. */
  hosts: readonly string[];
}

/**
 * Takes an endpoint apart. Refused, with the reason: anything but https, a user or password in it, a host that is not
 * listed, and an address in place of a name that is not public, unless `allowPrivate`.
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
