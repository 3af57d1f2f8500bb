import { isIPv4, isIPv6 } from 'node:net';

/** IP addresses as peers and proxies write them, pure. */

/** Of RFC 7239 §6, and as proxies put it into X-Forwarded-For. */
const WITH_PORT = /^(?:\[(?<v6>[^\]]*)\]|(?<v4>\d+\.\d+\.\d+\.\d+))(?::\d{1,5})?$/;
/** RFC 4291 §2.5.5.2, as a URL writes it. */
const MAPPED = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/;

/**
 * The address alone and in one spelling: no port, brackets or zone; IPv6 as RFC 5952 has it; an IPv4 address mapped into IPv6
 * as IPv4. Null: the text is no IP address.
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

/** The party that an address stands for: the address, or for IPv6 its network of 64 bits, which one customer has. */
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
