import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { describe, expect, it } from 'vitest';
import { startNodePeer } from './node-peer.js';
import { constant, makePool, request } from './pools.js';
import { testCertificate } from './test-certificate.js';
import { until } from './until.js';

const tls = { ca: testCertificate };

async function bodyOf(stream: ServerHttp2Stream): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

describe.each([false, true])('requests and answers (plain: %s)', (plain) => {
  it('sends path, constant and own headers, and bodies in both directions', async () => {
    const { server, origin } = await startNodePeer({ plain });
    const seen: IncomingHttpHeaders[] = [];
    server.on('stream', async (stream: ServerHttp2Stream, headers) => {
      seen.push(headers);
      const body = await bodyOf(stream);
      stream.respond({ ':status': 201, location: '/m/1', 'set-cookie': ['a=1', 'b=2'], 'x-latin': 'caf\xe9' });
      stream.end(`got ${body.toString()}`);
    });
    const pool = makePool({ origin, tls, neverIndex: ['authorization'] });
    for (const id of ['one', 'two', 'three']) {
      const result = await pool.send(request(`/3/device/${id}`, { headers: [['apns-id', id]], body: Buffer.from(id) }));
      expect(result).toMatchObject({ kind: 'answered', status: 201, body: Buffer.from(`got ${id}`), connection: 1 });
      if (result.kind !== 'answered') continue;
      expect(result.headers).toMatchObject({ location: '/m/1', 'set-cookie': 'a=1, b=2', 'x-latin': 'caf\xe9' });
    }
    expect(seen.map((h) => [h[':path'], h['apns-id'], h['content-length']])).toEqual([
      ['/3/device/one', 'one', '3'],
      ['/3/device/two', 'two', '3'],
      ['/3/device/three', 'three', '5'],
    ]);
    for (const headers of seen) {
      expect(headers).toMatchObject(Object.fromEntries(constant));
      expect(headers).toMatchObject({ ':method': 'POST', ':scheme': plain ? 'http' : 'https' });
      expect(`${headers[':scheme']}://${headers[':authority']}`).toBe(origin);
    }
  });
});

describe('a name with several addresses', () => {
  it.each([false, true])('tries its addresses until one answers (plain: %s)', async (plain) => {
    const { server, origin } = await startNodePeer({ plain });
    server.on('stream', (stream: ServerHttp2Stream) => {
      stream.respond({ ':status': 200 });
      stream.end('here');
    });
    // localhost is often ::1 first, which has no listener.
    const result = await makePool({ origin: origin.replace('127.0.0.1', 'localhost'), tls }).send(request());
    expect(result).toMatchObject({ kind: 'answered', body: Buffer.from('here') });
  });
});

describe('flow control', () => {
  it('sends bodies larger than every window, many at once', async () => {
    const { server, origin } = await startNodePeer({ settings: { initialWindowSize: 1000 } });
    server.on('stream', async (stream: ServerHttp2Stream) => {
      const body = await bodyOf(stream);
      stream.respond({ ':status': 200 });
      stream.end(`${body.length} ${body.every((octet) => octet === body[0])}`);
    });
    const pool = makePool({ origin, tls });
    const sizes = [0, 1, 999, 1000, 1001, 65_535, 65_536, 400_000];
    const results = await Promise.all(
      sizes.map((size, i) => pool.send(request('/', { body: Buffer.alloc(size, 65 + i) }))),
    );
    expect(results.map((r) => (r.kind === 'answered' ? r.body.toString() : r))).toEqual(sizes.map((n) => `${n} true`));
  });

  it('receives answers larger than the stream window', async () => {
    // MB: Node counts answers that wait for writing (24.22, 26.12; not 22.23), of which there are 36.
    const { server, origin } = await startNodePeer({ maxSessionMemory: 100 });
    server.on('stream', (stream: ServerHttp2Stream) => {
      stream.respond({ ':status': 200 });
      stream.end(Buffer.alloc(900_000, 'x'));
    });
    const pool = makePool({ origin, tls });
    // Together they also exceed the connection's window of 16 MiB.
    const results = await Promise.all(Array.from({ length: 40 }, () => pool.send(request())));
    expect(results.map((r) => (r.kind === 'answered' ? r.body.length : r))).toEqual(results.map(() => 900_000));
  });

  it('drops an answer over a megabyte, and only that one', async () => {
    const { server, origin } = await startNodePeer();
    server.on('stream', (stream: ServerHttp2Stream, headers) => {
      stream.on('error', () => {});
      stream.respond({ ':status': 200 });
      stream.end(Buffer.alloc(headers[':path'] === '/big' ? 1_100_000 : 10));
    });
    const pool = makePool({ origin, tls });
    const [big, small] = await Promise.all([pool.send(request('/big')), pool.send(request('/small'))]);
    expect(big).toMatchObject({ kind: 'ambiguous', reason: expect.stringContaining('more than 1048576 bytes') });
    expect(small.kind).toBe('answered');
  });

  it('accepts an answer that comes before the body was written', async () => {
    const { server, origin } = await startNodePeer({ settings: { initialWindowSize: 10 } });
    const codes: number[] = [];
    server.on('stream', (stream: ServerHttp2Stream) => {
      stream.on('error', () => {});
      stream.on('close', () => codes.push(stream.rstCode));
      stream.respond({ ':status': 413 });
      stream.end('too large');
    });
    const result = await makePool({ origin, tls }).send(request('/', { body: Buffer.alloc(100_000) }));
    expect(result).toMatchObject({ kind: 'answered', status: 413, body: Buffer.from('too large') });
    await until('the stream closed', () => codes.length === 1);
  });
});

describe('the answer of a real server', () => {
  it('may have informational heads and trailers', async () => {
    const { server, origin } = await startNodePeer();
    server.on('stream', (stream: ServerHttp2Stream) => {
      stream.additionalHeaders({ ':status': 103, link: '</a>' });
      stream.respond({ ':status': 200, kind: 'final' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ checksum: 'abc' }));
      stream.end('body');
    });
    const result = await makePool({ origin, tls }).send(request());
    expect(result).toMatchObject({ kind: 'answered', status: 200, body: Buffer.from('body') });
    if (result.kind === 'answered')
      expect(Object.keys(result.headers)).toEqual(expect.not.arrayContaining(['checksum']));
  });

  it('decodes every octet that a header may have, with and without Huffman code', async () => {
    const { server, origin } = await startNodePeer();
    const octets = Array.from({ length: 256 }, (_, i) => i).filter((i) => i === 9 || (i >= 32 && i !== 127));
    // Short codes around each octet make the server prefer Huffman code.
    const value = (octet: number): string => `00000${String.fromCharCode(octet)}${'0'.repeat(60)}`;
    server.on('stream', (stream: ServerHttp2Stream) => {
      stream.respond({ ':status': 200, ...Object.fromEntries(octets.map((octet) => [`x-${octet}`, value(octet)])) });
      stream.end();
    });
    const result = await makePool({ origin, tls }).send(request());
    if (result.kind !== 'answered') throw new Error(result.reason);
    for (const octet of octets) expect(result.headers[`x-${octet}`], `octet ${octet}`).toBe(value(octet));
  });

  it('accepts field blocks over its frame size and constants over its table', async () => {
    const { server, origin } = await startNodePeer({
      settings: { maxHeaderListSize: 65_536 },
      maxHeaderListPairs: 200,
    });
    server.on('stream', (stream: ServerHttp2Stream, headers) => {
      stream.respond({ ':status': 200, 'x-long': headers['x-long'], 'x-token': headers['x-token'] });
      stream.end();
    });
    const pool = makePool({ origin, tls });
    const long = 'l'.repeat(20_000);
    for (let i = 0; i < 5; i++) {
      const over = { constant: [['x-token', `${i}`.repeat(1500)] as const], headers: [['x-long', long] as const] };
      const result = await pool.send(request('/', over));
      expect(result).toMatchObject({ kind: 'answered', headers: { 'x-long': long, 'x-token': `${i}`.repeat(1500) } });
    }
  });
});

describe('MAX_CONCURRENT_STREAMS', () => {
  it('is obeyed at once: 1, 1000, 1, 0 and back', async () => {
    const { server, origin, sessions } = await startNodePeer({ settings: { maxConcurrentStreams: 1 } });
    const open = new Set<ServerHttp2Stream>();
    let most = 0;
    server.on('stream', (stream: ServerHttp2Stream) => {
      open.add(stream);
      most = Math.max(most, open.size);
      stream.respond({ ':status': 200 });
    });
    const answer = (): void => {
      for (const stream of open) stream.end();
      open.clear();
    };
    const limit = (maxConcurrentStreams: number): Promise<void> =>
      new Promise((resolve) => sessions[0]!.settings({ maxConcurrentStreams }, () => resolve()));
    const pool = makePool({ origin, tls, maxConnections: 1 });
    let settled = 0;
    for (let i = 0; i < 1500; i++) void pool.send(request()).then((r) => (settled += r.kind === 'answered' ? 1 : 0));

    await until('one stream', () => open.size === 1);
    expect(pool.stats()).toMatchObject({ capacity: 1, inFlight: 1, waiting: 1499 });
    await limit(1000);
    await until('a thousand streams', () => open.size === 1000);
    await limit(1);
    answer();
    await until('one stream again', () => open.size === 1 && settled === 1000);
    expect(most).toBe(1000);
    most = 0;
    await limit(0);
    answer();
    await until('none open', () => settled === 1001);
    expect(open.size).toBe(0);
    expect(pool.stats()).toMatchObject({ capacity: 0, inFlight: 0, waiting: 499 });
    await limit(50);
    await until('fifty', () => open.size === 50);
    while (settled < 1500) {
      answer();
      await until('more', () => open.size > 0 || settled === 1500);
    }
    expect(most).toBe(50);
  });
});
