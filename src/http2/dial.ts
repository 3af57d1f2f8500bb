import { isIP, connect as connectTcp, type OnReadOpts, type Socket } from 'node:net';
import { connect as connectTls, createSecureContext } from 'node:tls';
import type { ConnectionOptions, SecureContext, TLSSocket } from 'node:tls';
import type { PushPoolOptions } from './push.js';

/** Where a pool connects to, taken apart once. */
export interface DialTarget {
  scheme: 'http' | 'https';
  /** What `:authority` says: the port only when it is not the scheme's own. */
  authority: string;
  host: string;
  port: number;
  /** Credentials and trust, read once: authorities alone take milliseconds. Throws for what cannot be read. */
  context(): SecureContext;
  servername: string | undefined;
  lookup: PushPoolOptions['lookup'];
}

/** Throws TypeError for an origin that is no `http:` or `https:` URL. */
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
  };
}

/** One read of the socket; a TLS record has 16 KiB at most. */
const READ_BYTES = 65_536;

export interface DialEvents {
  /** HTTP/2 may begin (after the handshake for `https:`), or not, because the peer chose another protocol. */
  onConnect(error?: string): void;
  /** Bytes came; they are overwritten by the next. */
  onData(bytes: Buffer): void;
}

/**
 * Opens a socket. Each call looks the name up afresh, so connections spread over a service's hosts. Reads go into one
 * buffer past the stream machinery: a peer that puts each answer into a TLS record of its own causes one read an
 * answer.
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
  // node:tls documents `onread`; its types do not know it yet.
  const options: ConnectionOptions & { onread: OnReadOpts } = {
    host: target.host,
    port: target.port,
    onread,
    // Not given by default, and an IP address may not stand there (RFC 6066 §3).
    servername: target.servername ?? (isIP(target.host) === 0 ? target.host : ''),
    ...(target.lookup !== undefined && { lookup: target.lookup }),
    secureContext: target.context(),
    ALPNProtocols: ['h2'],
    ...(session !== undefined && { session }),
  };
  const socket = connectTls(options);
  socket.once('secureConnect', () => {
    if (socket.alpnProtocol === 'h2') events.onConnect();
    else events.onConnect('the peer did not choose HTTP/2 in the TLS handshake (ALPN)');
  });
  return socket;
}
