import { createSecureServer, createServer, type Http2Server, type ServerHttp2Session } from 'node:http2';
import type { SecureServerOptions } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { later } from './pools.js';
import { testCertificate, testKey } from './test-certificate.js';

export interface NodePeer {
  origin: string;
  server: Http2Server;
  sessions: ServerHttp2Session[];
}

/** A node:http2 server on a free loopback port, closed after the test; with TLS unless `plain`. */
export async function startNodePeer(options: SecureServerOptions & { plain?: boolean } = {}): Promise<NodePeer> {
  const { plain = false, ...rest } = options;
  const server = plain ? createServer(rest) : createSecureServer({ cert: testCertificate, key: testKey, ...rest });
  const sessions: ServerHttp2Session[] = [];
  server.on('session', (session) => {
    sessions.push(session);
    session.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  later(async () => {
    for (const session of sessions) session.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });
  const { port } = server.address() as AddressInfo;
  return { origin: `${plain ? 'http' : 'https'}://127.0.0.1:${port}`, server, sessions };
}
