import { isIP } from 'node:net';

/** Values of settings, pure. */

export function isUrl(text: string, protocols: readonly string[]): boolean {
  return URL.canParse(text) && protocols.includes(new URL(text).protocol);
}

/** Digits only: `0x59f0`, `1e3` and `+5` are numbers to a program, but typing errors of a person. NaN: not a number. */
export function readWhole(text: string): number {
  return /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
}

/**
 * Reads an address or name to listen on; `[::1]` is read as `::1`. Null for any other text, for example with a port, a
 * zone or quotes.
 */
export function readHost(text: string): string | null {
  const address = /^\[(.*)\]$/.exec(text)?.[1] ?? text;
  if (isIP(address) > 0) return address.includes('%') ? null : address;
  return address === text && /^[a-z0-9_]([a-z0-9_.-]{0,252}[a-z0-9_])?$/i.test(text) ? text : null;
}

/** The reason why a path is certainly a mistake, such as text for a shell. Undefined: the path may be right. */
export function findShellWords(path: string): string | undefined {
  if (path.startsWith('~')) return 'begins with ~';
  if (/["'`]/.test(path)) return 'contains quotes';
  if (/\$[\w{(]|%\w+%/.test(path)) return 'contains a variable';
  return undefined;
}

/** `10.1.2.3`, `10.0.0.0/8`, `fd00::/8`. */
export function isNetwork(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/');
  const most = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  return most > 0 && rest.length === 0 && (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most));
}

/** Whether a network is wider than the widest private ones: 10.0.0.0/8 (RFC 1918) and fc00::/7 (RFC 4193). */
export function isWiderThanPrivate(network: string): boolean {
  const [address = '', bits] = network.split('/');
  return bits !== undefined && Number(bits) < (isIP(address) === 6 ? 7 : 8);
}

/** Whether a host name is this machine; so are an absent host and the folder of a socket. */
export function isThisMachine(host: string | undefined): boolean {
  return host === undefined || /^(\/.*|localhost|127\.\d+\.\d+\.\d+|\[?::1\]?)$/i.test(host);
}
