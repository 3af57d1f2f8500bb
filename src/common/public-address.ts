import { lookup as lookupName } from 'node:dns/promises';
import type { LookupAddress } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

/** URLs from outside (browsers' push endpoints, webhooks) must not lead into our own network. */

/** Finds all addresses of a name, in the order in which they are tried. */
export type Resolve = (hostname: string) => Promise<LookupAddress[]>;

/** The error code of a guarded look-up that found an address which is not public. */
export const NOT_PUBLIC = 'ENOTPUBLIC';

/**
 * Networks outside the public internet (IANA's special-purpose address registries, RFC 6890 and its updates), and
 * multicast.
 */
const NOT_GLOBAL = new BlockList();
for (const [network, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const) {
  NOT_GLOBAL.addSubnet(network, bits, 'ipv4');
}
/**
 * Only 2000::/3 is allocated as public; these parts of it are not public, or contain an IPv4 address (Teredo, 6to4).
 */
for (const [network, bits] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const) {
  NOT_GLOBAL.addSubnet(network, bits, 'ipv6');
}
const GLOBAL_V6 = new BlockList();
GLOBAL_V6.addSubnet('2000::', 3, 'ipv6');

/** False for loopback, private, link-local, unique-local, shared (CGNAT), multicast and all other special addresses. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !NOT_GLOBAL.check(address, 'ipv4');
  // IPv4-mapped, IPv4-compatible and NAT64 addresses are outside 2000::/3.
  if (family === 6)
    return !address.includes('%') && GLOBAL_V6.check(address, 'ipv6') && !NOT_GLOBAL.check(address, 'ipv6');
  return false;
}

/** Checks hosts that need no name server: an address in any notation of URLs, and localhost (RFC 6761). */
export function leadsInside({ hostname }: URL): boolean {
  const host = hostname.replace(/^\[|\]$/g, '');
  return isIP(host) === 0 ? /(^|\.)localhost\.?$/.test(host) : !isPublicAddress(host);
}

/**
 * A look-up for `net.connect` that returns only public addresses, so that the socket connects to the address that was
 * checked. If one address of a name is not public, the name is refused: regular names do not mix them.
 */
export function guardedLookup(allowPrivate: boolean, resolve: Resolve = resolveName): LookupFunction {
  return (hostname, options, give) => {
    const answer = async (): Promise<LookupAddress[]> => {
      const addresses = await resolve(hostname);
      if (!allowPrivate && !addresses.every(({ address }) => isPublicAddress(address))) throw notPublic();
      const family = options.family === 'IPv4' ? 4 : options.family === 'IPv6' ? 6 : (options.family ?? 0);
      const wanted = addresses.filter((each) => family === 0 || each.family === family);
      if (wanted.length === 0) throw Object.assign(new Error('the name has no address'), { code: 'ENOTFOUND' });
      return wanted;
    };
    answer().then(
      (addresses) => {
        if (options.all === true) give(null, addresses);
        else give(null, addresses[0]!.address, addresses[0]!.family);
      },
      (error: NodeJS.ErrnoException) => give(error, options.all === true ? [] : '', 0),
    );
  };
}

function resolveName(hostname: string): Promise<LookupAddress[]> {
  return lookupName(hostname, { all: true });
}

function notPublic(): Error {
  return Object.assign(new Error('the name has an address that is not public'), { code: NOT_PUBLIC });
}
