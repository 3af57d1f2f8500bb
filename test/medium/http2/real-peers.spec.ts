import { describe, expect, it } from 'vitest';
import type { PushResult } from '../../../src/http2/push.js';
import { later, makePool, request } from './pools.js';
import { isMissing, startApache, startNghttpd, startNginx, type RealPeer } from './real-peers.js';
import { testCertificate } from './test-certificate.js';

const tls = { ca: testCertificate };

/** Stops the server after the test. */
async function lent(starting: Promise<RealPeer>): Promise<RealPeer> {
  const peer = await starting;
  later(() => peer.stop());
  return peer;
}

/** Counts statuses, or kinds and reasons. */
function tally(results: PushResult[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const r of results) {
    const key = r.kind === 'answered' ? String(r.status) : `${r.kind}: ${r.reason}`;
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

describe.skipIf(isMissing('nginx'))('nginx', () => {
  it('answers thousands of requests on one connection', async () => {
    const peer = await lent(startNginx('location / { default_type application/json; return 200 \'{"ok":1}\'; }'));
    const pool = makePool({ origin: peer.origin, tls, maxConnections: 1 });
    const results = await Promise.all(
      Array.from({ length: 900 }, (_, i) => pool.send(request(`/${i}`, { headers: [['apns-id', String(i)]] }))),
    );
    expect(tally(results)).toEqual({ 200: 900 });
    expect(results[0]).toMatchObject({
      body: Buffer.from('{"ok":1}'),
      headers: { 'content-type': 'application/json' },
    });
  });

  it('ends connections by GOAWAY after a hundred requests without a loss', async () => {
    const peer = await lent(startNginx('keepalive_requests 100; location / { return 200; }'));
    const pool = makePool({ origin: peer.origin, tls, openIntervalMs: 10 });
    const results = await Promise.all(Array.from({ length: 2000 }, () => pool.send(request())));
    expect(tally(results)).toEqual({ 200: 2000 });
    const used = new Set(results.map((r) => (r.kind === 'answered' ? r.connection : 0)));
    expect(used.size).toBeGreaterThanOrEqual(20);
  });

  it('refuses a body that is too large before it was written', async () => {
    const peer = await lent(startNginx('client_max_body_size 1k; location / { return 200; }'));
    const pool = makePool({ origin: peer.origin, tls });
    const [large, small] = await Promise.all([
      pool.send(request('/', { body: Buffer.alloc(500_000) })),
      pool.send(request('/')),
    ]);
    expect(large).toMatchObject({ kind: 'answered', status: 413 });
    expect(small).toMatchObject({ kind: 'answered', status: 200 });
  });

  it('limits streams to three', async () => {
    const peer = await lent(startNginx('http2_max_concurrent_streams 3; location / { return 204; }'));
    const pool = makePool({ origin: peer.origin, tls, maxConnections: 2 });
    expect(tally(await Promise.all(Array.from({ length: 300 }, () => pool.send(request()))))).toEqual({ 204: 300 });
  });

  it('is replaced gracefully when it shuts down', async () => {
    const peer = await lent(startNginx('location / { return 200; }'));
    const pool = makePool({ origin: peer.origin, tls });
    expect((await pool.send(request())).kind).toBe('answered');
    peer.signal('SIGQUIT');
    // Requests are answered until the listener is closed; then they are refused, never left open.
    for (;;) {
      const result = await pool.send(request());
      if (result.kind === 'answered') continue;
      expect(result).toMatchObject({ kind: 'refused', reason: expect.stringContaining('ECONNREFUSED') });
      break;
    }
  });
});

describe.skipIf(isMissing('nghttpd'))('nghttpd', () => {
  it('answers with a body, trailers and padding', async () => {
    const peer = await lent(startNghttpd({ ok: 'yes' }, '--trailer=checksum: abc', '--padding=200'));
    const pool = makePool({ origin: peer.origin, tls });
    const results = await Promise.all(Array.from({ length: 500 }, (_, i) => pool.send(request(i % 5 ? '/ok' : '/no'))));
    expect(tally(results)).toEqual({ 200: 400, 404: 100 });
    expect(results[1]).toMatchObject({ body: Buffer.from('yes'), headers: { 'content-length': '3' } });
  });

  it('echoes bodies of any size', async () => {
    const peer = await lent(startNghttpd({}, '--echo-upload', '-w', '10', '-W', '12'));
    const pool = makePool({ origin: peer.origin, tls });
    const bodies = [0, 1, 1023, 1024, 4096, 70_000, 300_000].map((size) => Buffer.alloc(size, size % 251));
    const results = await Promise.all(bodies.map((body) => pool.send(request('/echo', { body }))));
    results.forEach((r, i) => {
      if (r.kind !== 'answered') throw new Error(r.reason);
      expect([r.status, r.body.length]).toEqual([200, bodies[i]!.length]);
      expect(r.body.equals(bodies[i]!)).toBe(true);
    });
  });

  it.each(['0', '64', '4096', '65536'])('has a header table of %s bytes', async (bytes) => {
    const peer = await lent(
      startNghttpd({ ok: 'yes' }, `--header-table-size=${bytes}`, '--encoder-header-table-size=4096'),
    );
    const pool = makePool({ origin: peer.origin, tls });
    const header = (i: number): [string, string][] => [[`x-${i % 40}`, 'v'.repeat(100)]];
    const results: PushResult[] = [];
    for (let i = 0; i < 100; i++) {
      const constant = [['authorization', `bearer ${Math.floor(i / 10)}${'a'.repeat(900)}`]] as const;
      results.push(await pool.send(request('/ok', { constant, headers: header(i) })));
    }
    expect(tally(results)).toEqual({ 200: 100 });
    expect(pool.stats().lastError).toBeUndefined();
  });
});

describe.skipIf(isMissing('apache2'))('Apache httpd', () => {
  it('answers and echoes headers', async () => {
    const peer = await lent(startApache('Redirect 410 /gone\nRedirect 204 /ok\nH2MaxSessionStreams 20'));
    const pool = makePool({ origin: peer.origin, tls, maxConnections: 2 });
    const results = await Promise.all(
      Array.from({ length: 300 }, (_, i) => pool.send(request(i % 3 ? '/ok' : '/gone'))),
    );
    expect(tally(results)).toEqual({ 204: 200, 410: 100 });
    const gone = results[0]!;
    if (gone.kind !== 'answered') throw new Error(gone.reason);
    expect(gone.headers['server']).toContain('Apache');
    expect(gone.body.toString()).toContain('410 Gone');
  });

  it('may stop in the middle without a loss', async () => {
    const peer = await lent(startApache('Redirect 204 /ok'));
    const pool = makePool({ origin: peer.origin, tls, openIntervalMs: 20 });
    expect((await pool.send(request('/ok'))).kind).toBe('answered');
    const all = Promise.all(Array.from({ length: 2000 }, () => pool.send(request('/ok'))));
    peer.signal('SIGTERM');
    for (const result of await all) expect(['answered', 'refused', 'ambiguous']).toContain(result.kind);
    expect(pool.stats()).toMatchObject({ inFlight: 0, waiting: 0 });
  });
});
