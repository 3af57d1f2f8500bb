import { BlockList, isIP } from 'node:net';

/** The proxy through which connections leave this machine, and the hosts that are reached without it. Pure. */

const PORTS = { http: 80, https: 443, socks5: 1080 } as const;

export interface Proxy {
  /** `https`: HTTP over TLS to the proxy itself. */
  scheme: keyof typeof PORTS;
  host: string;
  port: number;
  user: string;
  password: string;
  /** Entries of NO_PROXY. */
  direct: readonly string[];
}

/** Null: the text is no address of a proxy. `socks5h` is curl's word for what is always done here. */
export function readProxy(text: string, direct: readonly string[]): Proxy | null {
  if (!URL.canParse(text)) return null;
  const { protocol, hostname, port, username, password, pathname, search, hash } = new URL(text);
  const scheme = protocol.replace(/^socks5?h?:$/, 'socks5').replace(/:$/, '') as Proxy['scheme'];
  if (!Object.hasOwn(PORTS, scheme) || hostname === '' || pathname.length > 1 || search || hash) return null;
  try {
    return {
      scheme,
      host: bare(hostname),
      port: Number(port || PORTS[scheme]),
      user: decodeURIComponent(username),
      password: decodeURIComponent(password),
      direct,
    };
  } catch {
    // A percent sign that encodes nothing.
    return null;
  }
}

/** An entry of NO_PROXY: a name or address, with a port or without; `.name` or `*.name`; a network; `*`. */
const ENTRY = /^(\*|(\*?\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*(:\d{1,5})?)$/;

export function isProxyExemption(text: string): boolean {
  if (!text.includes('/')) return ENTRY.test(text) || isIP(bare(text)) > 0;
  const [, address = '', bits = ''] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
  return isIP(address) > 0 && Number(bits) <= (isIP(address) === 6 ? 128 : 32);
}

/**
 * Whether a host is reached without the proxy. `name` is itself and every host below, as in other programs; `.name`
 * and `*.name` are the hosts below. A network holds hosts that are given as addresses: no name is looked up for it.
 */
export function isDirect(host: string, port: number, entries: readonly string[]): boolean {
  const name = bare(host.toLowerCase()).replace(/\.$/, '');
  return entries.some((entry) => {
    if (entry === '*') return true;
    if (entry.includes('/')) return isInNetwork(name, entry);
    if (isIP(bare(entry)) > 0) return bare(entry) === name;
    const [pattern, only] = splitPort(entry);
    if (only !== undefined && Number(only) !== port) return false;
    const parent = bare(pattern).replace(/^\*?\./, '');
    return name.endsWith(`.${parent}`) || (parent === bare(pattern) && name === parent);
  });
}

function splitPort(entry: string): [string, string | undefined] {
  const [, host, port] = /^(.*):(\d{1,5})$/.exec(entry) ?? [];
  return host === undefined ? [entry, undefined] : [host, port];
}

function isInNetwork(address: string, network: string): boolean {
  const [first = '', bits] = network.split('/');
  const family = isIP(address);
  if (family === 0 || family !== isIP(first)) return false;
  const list = new BlockList();
  list.addSubnet(first, Number(bits), family === 6 ? 'ipv6' : 'ipv4');
  return list.check(address, family === 6 ? 'ipv6' : 'ipv4');
}

/** A host of a URL without the brackets of IPv6. */
function bare(host: string): string {
  return host.replace(/^\[|\]$/g, '');
}
