import { isIP, connect as connectTcp, type OnReadOpts, type Socket } from 'node:net';
import { connect as connectTls, createSecureContext } from 'node:tls';
import type { ConnectionOptions, SecureContext, TLSSocket } from 'node:tls';
import type { PushPoolOptions } from './push.js';

/** The parsed origin of a pool. */
export interface DialTarget {
  scheme: 'http' | 'https';
  /** The value of `:authority`; it has a port only if the port is not the scheme's default. */
  authority: string;
  host: string;
  port: number;
  /**
   * Credentials and authorities, read once: reading the authorities takes milliseconds. Throws if they cannot be read.
   */
  context(): SecureContext;
  servername: string | undefined;
  lookup: PushPoolOptions['lookup'];
  tunnel: PushPoolOptions['tunnel'];
}

/** Throws TypeError if the origin is not an `http:` or `https:` URL. */
export function readDialTarget(options: PushPoolOptions): DialTarget {
  const url = new URL(options.origin);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw new TypeError(`origin with scheme ${url.protocol}`);
  const scheme = url.protocol === 'https:' ? 'https' : 'http';
  const { servername, ...credentials } = options.tls ?? {};
  let context: SecureContext | undefined;
  return {
    scheme,
    authority: url.host,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port || (scheme === 'https' ? 443 : 80)),
    context: () => (context ??= createSecureContext({ ...credentials, minVersion: 'TLSv1.2' })),
    servername,
    lookup: options.lookup,
    tunnel: options.tunnel,
  };
}

/** One read of the socket; a TLS record has at most 16 KiB. */
const READ_BYTES = 65_536;

export interface DialEvents {
  /** HTTP/2 may begin (for `https:` after the handshake). With an error: the peer chose another protocol. */
  onConnect(error?: string): void;
  /** Received bytes; the next read overwrites them. */
  onData(bytes: Buffer): void;
}

/**
 * Opens a socket. Each call resolves the name again, so that connections spread over a service's hosts. Reads go into
 * one buffer without Node's streams: a peer that sends each answer in its own TLS record causes one read per answer.
 */
export function dial(target: DialTarget, session: Buffer | undefined, events: DialEvents): Socket {
  const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  const onread = {
    buffer,
    callback: (size: number): boolean => {
      events.onData(buffer.subarray(0, size));
      return true;
    },
  };
  const { host, port, lookup } = target;
  const socket =
    target.scheme === 'https'
      ? dialTls(target, session, onread, events)
      : connectTcp({ host, port, onread, ...(lookup !== undefined && { lookup }) }, () => events.onConnect());
  socket.setNoDelay(true);
  return socket;
}

function dialTls(target: DialTarget, session: Buffer | undefined, onread: OnReadOpts, events: DialEvents): TLSSocket {
  const tunnel = target.tunnel?.(target.host, target.port);
  // node:tls documents `onread`; its types do not have it yet. A socket over another stream has none.
  const options: ConnectionOptions & { onread?: OnReadOpts } = {
    host: target.host,
    port: target.port,
    ...(tunnel ? { socket: tunnel } : { onread }),
    // Not set by default; an IP address is not allowed (RFC 6066 §3).
    servername: target.servername ?? (isIP(target.host) === 0 ? target.host : ''),
    ...(target.lookup !== undefined && { lookup: target.lookup }),
    secureContext: target.context(),
    ALPNProtocols: ['h2'],
    ...(session !== undefined && { session }),
  };
  const socket = connectTls(options);
  if (tunnel) socket.on('data', (bytes: Buffer) => events.onData(bytes));
  socket.once('secureConnect', () => {
    if (socket.alpnProtocol === 'h2') events.onConnect();
    else events.onConnect('the peer did not choose HTTP/2 in the TLS handshake (ALPN)');
  });
  return socket;
}
