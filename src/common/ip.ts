import { isIPv4, isIPv6 } from 'node:net';

/** Pure rules for IP addresses in the notations of peers and proxies. */

/** The notation of RFC 7239 §6, which proxies also use in X-Forwarded-For. */
const WITH_PORT = /^(?:\[(?<v6>[^\]]*)\]|(?<v4>\d+\.\d+\.\d+\.\d+))(?::\d{1,5})?$/;
/** An IPv4-mapped address (RFC 4291 §2.5.5.2) in the notation of a URL. */
const MAPPED = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/;

/**
 * The address without port, brackets or zone, in one notation: IPv6 as in RFC 5952, an IPv4-mapped address as IPv4.
 * Returns null if the text is not an IP address.
 */
export function readIp(text: string): string | null {
  const { v4, v6 } = WITH_PORT.exec(text.trim())?.groups ?? {};
  const address = v4 ?? v6 ?? text.trim();
  if (isIPv4(address)) return address;
  if (!isIPv6(address)) return null;
  const canonical = new URL(`http://[${address.split('%')[0]}]`).hostname.slice(1, -1);
  const [, high, low] = MAPPED.exec(canonical) ?? [];
  if (high === undefined || low === undefined) return canonical;
  return [high, low].flatMap(bytesOf).join('.');
}

/** The network of one customer: an IPv4 address itself, or the /64 of an IPv6 address. */
export function networkOf(address: string): string {
  const ip = readIp(address);
  if (ip === null || isIPv4(ip)) return ip ?? '';
  const [left = '', right = ''] = ip.split('::');
  const [head, tail] = [left, right].map((part) => (part === '' ? [] : part.split(':')));
  const zeros = ip.includes('::') ? 8 - head!.length - tail!.length : 0;
  return [...head!, ...new Array<string>(zeros).fill('0'), ...tail!].slice(0, 4).join(':');
}

function bytesOf(group: string): number[] {
  const value = Number.parseInt(group, 16);
  return [value >> 8, value & 255];
}
