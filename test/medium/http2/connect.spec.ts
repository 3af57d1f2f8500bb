import { createServer as createTcpServer, type AddressInfo, type LookupFunction } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import type { ServerHttp2Stream } from 'node:http2';
import { describe, expect, it } from 'vitest';
import { startNodePeer } from './node-peer.js';
import { later, makePeer, makePool, request } from './pools.js';
import { answering } from './raw-peer.js';
import { expiredCertificate, testCertificate, testKey } from './test-certificate.js';

const tls = { ca: testCertificate };

/** A free loopback port without a listener. */
async function freePort(): Promise<number> {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

describe('a connection that cannot be made', () => {
  it('refuses waiting requests after two attempts, with the reason', async () => {
    const port = await freePort();
    const pool = makePool({ origin: `https://127.0.0.1:${port}` });
    const result = await pool.send(request());
    expect(result).toEqual({ kind: 'refused', reason: `cannot connect: connect ECONNREFUSED 127.0.0.1:${port}` });
  });

  it('is tried again and used when the peer is reachable', async () => {
    const port = await freePort();
    const pool = makePool({ origin: `http://127.0.0.1:${port}` });
    expect((await pool.send(request())).kind).toBe('refused');
    const peer = await makePeer(answering(), 'http', port);
    expect(await pool.send(request())).toMatchObject({ kind: 'answered', status: 200 });
    expect(peer.connections.length).toBe(1);
  });

  it('does not trust a certificate of an unknown authority', async () => {
    const { origin } = await startNodePeer();
    const result = await makePool({ origin }).send(request());
    // Node 26 adds advice.
    expect(result).toEqual({
      kind: 'refused',
      reason: expect.stringMatching(/^cannot connect: self-signed certificate(;|$)/),
    });
  });

  it('does not trust a certificate of another name', async () => {
    const { origin } = await startNodePeer();
    const pool = makePool({ origin, tls: { ...tls, servername: 'push.example' } });
    expect(await pool.send(request())).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining("does not match certificate's altnames"),
    });
  });

  it('does not trust an expired certificate', async () => {
    const server = createTlsServer({ cert: expiredCertificate, key: testKey, ALPNProtocols: ['h2'] });
    server.on('tlsClientError', () => undefined);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    later(() => new Promise((resolve) => server.close(() => resolve())));
    const { port } = server.address() as AddressInfo;
    const pool = makePool({ origin: `https://localhost:${port}`, tls: { ca: expiredCertificate } });
    expect(await pool.send(request())).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('certificate has expired'),
    });
  });

  it.each([
    ['http/1.1', 'tlsv1 alert no application protocol'],
    [undefined, 'the peer did not choose HTTP/2 in the TLS handshake (ALPN)'],
  ])('reports a peer that offers ALPN %s', async (protocol, reason) => {
    const server = createTlsServer({
      cert: testCertificate,
      key: testKey,
      ...(protocol !== undefined && { ALPNProtocols: [protocol] }),
    });
    server.on('secureConnection', (socket: TLSSocket) => socket.on('error', () => {}));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    later(() => new Promise((resolve) => server.close(() => resolve())));
    const { port } = server.address() as AddressInfo;
    const result = await makePool({ origin: `https://127.0.0.1:${port}`, tls }).send(request());
    expect(result).toMatchObject({ kind: 'refused', reason: expect.stringContaining(reason) });
  });

  it.each(['http', 'https'] as const)('times out if the peer never sends SETTINGS (%s)', async (scheme) => {
    const peer = await makePeer(() => {}, scheme);
    const pool = makePool({ origin: peer.origin, tls, connectTimeoutMs: 400 });
    expect(await pool.send(request())).toEqual({ kind: 'refused', reason: 'connect timed out' });
    expect(peer.connections.length).toBeGreaterThan(0);
    expect(peer.connections.flatMap((c) => c.requests)).toEqual([]);
  });

  it('recognises a peer that speaks HTTP/1.1', async () => {
    const peer = await makePeer((c) => c.socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'));
    const result = await makePool({ origin: peer.origin }).send(request());
    expect(result).toMatchObject({ kind: 'refused', reason: 'PROTOCOL_ERROR: the peer speaks HTTP/1' });
  });

  it('reports credentials that node:tls refuses', async () => {
    const pool = makePool({ origin: 'https://127.0.0.1:1', tls: { cert: 'no certificate', key: 'no key' } });
    expect(await pool.send(request())).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('cannot connect'),
    });
  });

  it('waits for a peer that accepts slowly', async () => {
    const peer = await makePeer((c) => setTimeout(() => answering()(c), 150));
    expect((await makePool({ origin: peer.origin }).send(request())).kind).toBe('answered');
  });
});

describe('TLS', () => {
  it('presents a client certificate and reports its rejection', async () => {
    const { server, origin } = await startNodePeer({
      requestCert: true,
      rejectUnauthorized: true,
      ca: testCertificate,
    });
    server.on('stream', (stream: ServerHttp2Stream) => {
      stream.respond({ ':status': 200 });
      stream.end();
    });
    const withCertificate = makePool({ origin, tls: { ...tls, cert: testCertificate, key: testKey } });
    expect((await withCertificate.send(request())).kind).toBe('answered');
    const without = await makePool({ origin, tls }).send(request());
    expect(without).toMatchObject({ kind: 'refused', reason: expect.stringMatching(/certificate required|closed/) });
  });

  it('resumes the session on the next connection', async () => {
    const { server, origin } = await startNodePeer();
    const reused: boolean[] = [];
    server.on('secureConnection', (socket: TLSSocket) => reused.push(socket.isSessionReused()));
    server.on('stream', (stream: ServerHttp2Stream) => {
      stream.respond({ ':status': 200 });
      stream.end();
    });
    const pool = makePool({ origin, tls });
    for (let i = 0; i < 2; i++) {
      const result = await pool.send(request());
      if (result.kind === 'answered') pool.retire(result.connection);
    }
    expect(reused).toEqual([false, true]);
  });
});

describe('a look-up of the caller', () => {
  it.each(['http', 'https'] as const)('gives %s its address, under the name of the origin', async (scheme) => {
    const peer = await makePeer(answering(), scheme);
    const asked: string[] = [];
    const lookup: LookupFunction = (hostname, options, give) => {
      asked.push(hostname);
      if (options.all === true) give(null, [{ address: '127.0.0.1', family: 4 }]);
      else give(null, '127.0.0.1', 4);
    };
    const { port } = new URL(peer.origin);
    // The certificate is for localhost, which remains the peer's name: only the address comes from here.
    const pool = makePool({ origin: `${scheme}://localhost:${port}`, tls, lookup });
    expect(await pool.send(request())).toMatchObject({ kind: 'answered', status: 200 });
    expect(asked).toEqual(['localhost']);
  });

  it('refuses requests with the error of the look-up', async () => {
    const lookup: LookupFunction = (_, options, give) => give(new Error('not there'), options.all === true ? [] : '');
    const result = await makePool({ origin: 'https://push.example', lookup }).send(request());
    expect(result).toEqual({ kind: 'refused', reason: 'cannot connect: not there' });
  });
});
