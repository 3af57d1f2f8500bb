import type { LookupAddress } from 'node:dns';
import { once } from 'node:events';
import * as http from 'node:http';
import * as https from 'node:https';
import { connect as connectTcp, isIP, isIPv6, type LookupFunction, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { Logger } from '@nestjs/common';
import { SocksClient } from 'socks';
import { Outages } from './outage.js';
import { isDirect, type Proxy } from './proxy.js';

/** Shorter than the time that any client waits for a connection, so that the reason names the proxy. */
const TUNNEL_MS = 8_000;

/** The reason of an abort by the timer; the others are of callers that gave up. */
const LATE = new Error('did not answer in time');

const outages = new Outages(
  new Logger('Proxy'),
  (name) => ({ begins: `The ${name} opens no connections`, ends: `The ${name} opens connections again` }),
  'further proxy',
);

/** How connections to other servers leave this machine. */
export interface Egress {
  /** PEM of the trusted authorities instead of the system's. */
  ca?: string;
  /** Absent: they are opened directly. */
  proxy?: Proxy;
}

/** A stream to a host, on which TLS to that host begins. Undefined: the host is reached directly. */
export type Tunnel = (host: string, port: number) => Duplex | undefined;

/** The proxy did not open a connection, or ended it before the host sent anything. */
export const PROXY_FAULT = 'EPROXY';

/** The way to hosts of one kind. */
export interface Way {
  ca?: string | undefined;
  tunnel: Tunnel | undefined;
}

export function wayOf(egress: Egress, lookup?: LookupFunction): Way {
  return { ca: egress.ca, tunnel: tunnelThrough(egress, lookup) };
}

/**
 * The proxy resolves the name of the host. With `lookup`, for a host that a caller chose: the name is looked up here,
 * and the proxy gets the address, so that no name server can give the proxy another one than was checked.
 */
export function tunnelThrough({ proxy, ca }: Egress, lookup?: LookupFunction): Tunnel | undefined {
  if (proxy === undefined) return undefined;
  return (host, port) =>
    isDirect(host, port, proxy.direct)
      ? undefined
      : new ProxiedStream(proxy, async (signal) => {
          const target = lookup && isIP(host) === 0 ? await addressOf(host, lookup) : host;
          return reach(proxy, ca, { host: target, port }, signal);
        });
}

/** Keeps the connections of HTTPS requests, each through a tunnel of its own. */
export class TunnelAgent extends https.Agent {
  constructor(
    options: https.AgentOptions,
    private readonly tunnel: Tunnel,
  ) {
    super(options);
  }

  override createConnection(
    ...[options, done]: Parameters<https.Agent['createConnection']>
  ): Duplex | null | undefined {
    const socket = this.tunnel(String(options.host), Number(options.port));
    // For tls.connect, to which Node passes the options on.
    return super.createConnection(socket ? Object.assign(options, { socket }) : options, done);
  }
}

/** A stream from the start. Bytes that are written wait until the proxy has opened the connection. */
class ProxiedStream extends Duplex {
  private socket: Socket | undefined;
  private readonly abort = new AbortController();
  private readonly timer = setTimeout(() => this.abort.abort(LATE), TUNNEL_MS);
  private isHeard = false;

  constructor(
    private readonly proxy: Proxy,
    private readonly open: (signal: AbortSignal) => Promise<Socket>,
  ) {
    super();
  }

  override _construct(ready: (error?: Error) => void): void {
    this.open(this.abort.signal).then((socket) => {
      clearTimeout(this.timer);
      this.socket = socket.setNoDelay(true);
      socket.on('data', (bytes: Buffer) => {
        this.isHeard = true;
        if (!this.push(bytes)) socket.pause();
      });
      socket.on('error', (error) => this.finish(error));
      socket.on('end', () => (this.isHeard ? this.push(null) : this.finish()));
      socket.on('close', () => this.finish());
      ready();
    }, ready);
  }

  override _read(): void {
    this.socket?.resume();
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.socket!.write(bytes, done);
  }

  override _final(done: () => void): void {
    this.socket!.end(done);
  }

  /** Node calls `_destroy` only after `_construct`, which the signal ends. */
  override destroy(error?: Error): this {
    this.abort.abort();
    return super.destroy(error);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    clearTimeout(this.timer);
    this.socket?.destroy();
    done(error);
  }

  private finish(error?: NodeJS.ErrnoException): void {
    this.destroy(this.isHeard ? error : proxyFault(this.proxy, 'ended the connection'));
  }
}

async function reach(proxy: Proxy, ca: string | undefined, target: Target, signal: AbortSignal): Promise<Socket> {
  const { scheme, host, port } = proxy;
  const servername = isIP(host) === 0 ? host : '';
  const raw = scheme === 'https' ? connectTls({ host, port, ca, servername }) : connectTcp({ host, port });
  const cut = (): void => void raw.destroy(new Error('cut'));
  raw.on('error', () => undefined);
  signal.addEventListener('abort', cut);
  try {
    signal.throwIfAborted();
    await once(raw, scheme === 'https' ? 'secureConnect' : 'connect');
    await (scheme === 'socks5' ? askSocks(proxy, raw, target) : askHttp(proxy, raw, target));
    outages.worked(nameOf(proxy));
    return raw;
  } catch (error) {
    raw.destroy();
    const reason = signal.aborted ? LATE.message : reasonOf(error);
    if (signal.aborted ? signal.reason === LATE : !isOfTarget(error)) outages.failed(nameOf(proxy), reason);
    throw proxyFault(proxy, reason);
  } finally {
    signal.removeEventListener('abort', cut);
  }
}

interface Target {
  host: string;
  port: number;
}

/** RFC 9110 §9.3.6. */
async function askHttp({ user, password }: Proxy, raw: Socket, { host, port }: Target): Promise<void> {
  const path = `${isIPv6(host) ? `[${host}]` : host}:${port}`;
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  const request = http.request({
    method: 'CONNECT',
    path,
    headers: { host: path, ...(user !== '' && { 'proxy-authorization': authorization }) },
    createConnection: () => raw,
  });
  request.end();
  const [{ statusCode = 0 }, , head] = (await once(request, 'connect')) as [http.IncomingMessage, Socket, Buffer];
  if (statusCode < 200 || statusCode > 299) throw new Refusal(`answered ${statusCode}`);
  if (head.length > 0) raw.unshift(head);
}

/** RFC 1928, RFC 1929. */
async function askSocks({ user, password, ...at }: Proxy, raw: Socket, destination: Target): Promise<void> {
  await SocksClient.createConnection({
    command: 'connect',
    destination,
    existing_socket: raw,
    timeout: TUNNEL_MS,
    proxy: { host: at.host, port: at.port, type: 5, ...(user !== '' && { userId: user, password }) },
  });
}

/** The answer of a proxy, in words without its credentials. */
class Refusal extends Error {}

/** Without credentials. */
function nameOf({ host, port }: Proxy): string {
  return `proxy ${host}:${port}`;
}

function proxyFault(proxy: Proxy, what: string): Error {
  return Object.assign(new Error(`${nameOf(proxy)} ${what}`), { code: PROXY_FAULT });
}

/** The proxy works, and does not reach this host or does not allow it. */
function isOfTarget(error: unknown): boolean {
  const { message } = error as Error;
  return error instanceof Refusal ? message !== 'answered 407' : /proxy rejected connection/.test(message);
}

/** Errors of the library hold the options with the password; their messages do not. */
function reasonOf(error: unknown): string {
  if (error instanceof Refusal) return error.message;
  const { code, message } = error as NodeJS.ErrnoException;
  return `cannot be used: ${code ?? message}`;
}

async function addressOf(host: string, lookup: LookupFunction): Promise<string> {
  return new Promise((resolve, reject) => {
    lookup(host, { all: true }, (error, addresses) =>
      error ? reject(error) : resolve((addresses as LookupAddress[])[0]!.address),
    );
  });
}
