import { isIP, type LookupFunction } from 'node:net';
import { connect } from 'node:tls';
import type { Way } from '../../common/tunnel.js';

const TIMEOUT_MS = 10_000;

/** Asks by ALPN (RFC 7301) whether the origin speaks HTTP/2. Rejects if it cannot be reached or trusted. */
export function speaksHttp2(
  origin: string,
  { ca, lookup, tunnel }: Way & { lookup: LookupFunction },
): Promise<boolean> {
  const url = new URL(origin);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return new Promise((resolve, reject) => {
    const port = Number(url.port || 443);
    const socket = connect({
      host,
      port,
      lookup,
      socket: tunnel?.(host, port),
      ...(isIP(host) === 0 && { servername: host }),
      ...(ca !== undefined && { ca }),
      ALPNProtocols: ['h2', 'http/1.1'],
      minVersion: 'TLSv1.2',
    });
    const timer = setTimeout(() => socket.destroy(new Error('connect timed out')), TIMEOUT_MS);
    socket.once('secureConnect', () => {
      resolve(socket.alpnProtocol === 'h2');
      socket.end();
    });
    socket.on('error', reject);
    socket.on('close', () => {
      clearTimeout(timer);
      reject(new Error('the peer closed the connection'));
    });
  });
}
