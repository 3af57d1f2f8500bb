import { isIP, connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { PushPoolOptions } from './push.js';

/** Where a pool connects to, taken apart once. */
export interface Target {
  scheme: 'http' | 'https';
  /** What `:authority` says: the port only when it is not the scheme's own. */
  authority: string;
  host: string;
  port: number;
  tls: PushPoolOptions['tls'];
}

/** Throws TypeError for an origin that is no `http:` or `https:` URL. */
export function readTarget(options: PushPoolOptions): Target {
  const url = new URL(options.origin);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw new TypeError(`origin with scheme ${url.protocol}`);
  const scheme = url.protocol === 'https:' ? 'https' : 'http';
  return {
    scheme,
    authority: url.host,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port || (scheme === 'https' ? 443 : 80)),
    tls: options.tls,
  };
}

/**
 * Opens a socket; `onConnect` is called when HTTP/2 may begin (after the handshake for `https:`), with an error when
 * the peer chose another protocol. Each call looks the name up afresh, so connections spread over a service's hosts.
 */
export function dial(target: Target, session: Buffer | undefined, onConnect: (error?: string) => void): Socket {
  const socket = target.scheme === 'https' ? dialTls(target, session, onConnect) : dialTcp(target, onConnect);
  socket.setNoDelay(true);
  return socket;
}

function dialTcp(target: Target, onConnect: (error?: string) => void): Socket {
  return connectTcp({ host: target.host, port: target.port }, () => onConnect());
}

function dialTls(target: Target, session: Buffer | undefined, onConnect: (error?: string) => void): TLSSocket {
  const socket = connectTls({
    host: target.host,
    port: target.port,
    // Not given by default, and an IP address may not stand there (RFC 6066 §3).
    ...(isIP(target.host) === 0 && { servername: target.host }),
    ...target.tls,
    ALPNProtocols: ['h2'],
    minVersion: 'TLSv1.2',
    ...(session !== undefined && { session }),
  });
  socket.once('secureConnect', () => {
    if (socket.alpnProtocol === 'h2') onConnect();
    else onConnect('the peer did not choose HTTP/2 in the TLS handshake (ALPN)');
  });
  return socket;
}
