import { describe, expect, it } from 'vitest';
import { makePeer, makePool, request } from './pools.js';
import { ACK, DATA, END_STREAM, HEADERS, PING, RST_STREAM, SETTINGS, answering, u32 } from './raw-peer.js';
import { until } from './until.js';

const MAX_STREAMS = 3;
const INITIAL_WINDOW = 4;
const REFUSED_STREAM = 7;
const CANCEL = 8;

describe('streams that the peer ends', () => {
  it('repeats a refused stream without the caller noticing', async () => {
    const peer = await makePeer((c) => {
      c.open();
      c.onFrame = ({ type, id }) => {
        if (type !== HEADERS) return;
        if (id === 1) c.send(RST_STREAM, 0, id, u32(REFUSED_STREAM));
        else c.answer(id);
      };
    });
    const result = await makePool({ origin: peer.origin }).send(request());
    expect(result).toMatchObject({ kind: 'answered', status: 200 });
    expect(peer.connections[0]!.requests).toEqual([1, 3]);
  });

  it('reports a stream as refused after two repeats', async () => {
    const peer = await makePeer((c) => {
      c.open();
      c.onFrame = ({ type, id }) => {
        if (type === HEADERS) c.send(RST_STREAM, 0, id, u32(REFUSED_STREAM));
      };
    });
    const result = await makePool({ origin: peer.origin }).send(request());
    expect(result).toEqual({ kind: 'refused', reason: 'the peer reset the stream: REFUSED_STREAM' });
    expect(peer.connections[0]!.requests).toEqual([1, 3, 5]);
  });

  it.each([
    [2, 'INTERNAL_ERROR'],
    [8, 'CANCEL'],
    [11, 'ENHANCE_YOUR_CALM'],
    [0x77, 'error 0x77'],
  ])('reports RST_STREAM %i as ambiguous', async (code, name) => {
    const peer = await makePeer((c) => {
      c.open();
      c.onFrame = ({ type, id }) => {
        if (type === HEADERS) c.send(RST_STREAM, 0, id, u32(code));
      };
    });
    const result = await makePool({ origin: peer.origin }).send(request());
    expect(result).toEqual({ kind: 'ambiguous', reason: `the peer reset the stream: ${name}` });
  });

  it('reports the status of a cut answer', async () => {
    const peer = await makePeer((c) => {
      c.open();
      c.onFrame = ({ type, id }) => {
        if (type !== HEADERS) return;
        c.send(HEADERS, 4, id, Buffer.from([0x20, 0x88]));
        c.send(DATA, 0, id, Buffer.from('{"na'));
        c.send(RST_STREAM, 0, id, u32(2));
      };
    });
    const result = await makePool({ origin: peer.origin }).send(request());
    expect(result.kind).toBe('ambiguous');
    expect(result).toMatchObject({ reason: expect.stringContaining('after status 200') });
  });
});

describe('GOAWAY', () => {
  it('finishes streams up to the last id and repeats those above on a new connection', async () => {
    const peer = await makePeer((c, n) => {
      if (n > 0) return answering()(c);
      c.open();
      c.onFrame = ({ type, id }) => {
        if (type !== HEADERS || id !== 9) return;
        c.goAway(5, 0, '{"reason":"Shutdown"}');
        // The old connection answers after the new one is in use: it was replaced before it drained.
        void until('a second connection', () => (peer.connections[1]?.requests.length ?? 0) === 2).then(() => {
          for (const old of [1, 3, 5]) c.answer(old);
        });
      };
    });
    const pool = makePool({ origin: peer.origin });
    const results = await Promise.all([1, 2, 3, 4, 5].map((i) => pool.send(request(`/${i}`))));
    expect(results.map((r) => (r.kind === 'answered' ? r.connection : r.kind))).toEqual([1, 1, 1, 2, 2]);
    expect(pool.stats().lastError).toBe('GOAWAY NO_ERROR: Shutdown');
    await until('the old connection closed', () => peer.connections[0]!.ended);
    expect(peer.connections[0]!.goodbye).toBe(0);
  });

  it('opens the successor at once while requests are open, even if none waits', async () => {
    const peer = await makePeer((c) => {
      c.open();
      c.onFrame = ({ type }) => {
        if (type === HEADERS) c.goAway(1);
      };
    });
    const pool = makePool({ origin: peer.origin });
    const sent = pool.send(request());
    await peer.connection(1);
    expect(pool.stats()).toMatchObject({ inFlight: 1, waiting: 0 });
    peer.connections[0]!.answer(1);
    expect(await sent).toMatchObject({ kind: 'answered', connection: 1 });
  });

  it('obeys a graceful GOAWAY of 2^31-1 and then the real one', async () => {
    const peer = await makePeer((c, n) => {
      if (n > 0) return answering()(c);
      c.open();
      c.onFrame = ({ type, id }) => {
        if (type !== HEADERS || id !== 3) return;
        c.goAway(0x7fff_ffff);
        c.goAway(1);
        c.answer(1);
      };
    });
    const pool = makePool({ origin: peer.origin });
    const results = await Promise.all([pool.send(request()), pool.send(request())]);
    expect(results.map((r) => (r.kind === 'answered' ? r.connection : r.kind))).toEqual([1, 2]);
  });

  it('a peer that closes its connection after each answer gets each request once', async () => {
    const peer = await makePeer((c) => {
      c.open();
      c.onFrame = ({ type, id }) => {
        if (type !== HEADERS) return;
        c.answer(id);
        c.goAway(id);
        c.socket.end();
      };
    });
    const pool = makePool({ origin: peer.origin, openIntervalMs: 1 });
    for (let sent = 1; sent <= 20; sent++)
      expect(await pool.send(request())).toMatchObject({ kind: 'answered', status: 200 });
    expect(peer.connections.map(({ requests }) => requests.length)).toEqual(Array.from({ length: 20 }, () => 1));
  });

  it('gives up after two repeats', async () => {
    const peer = await makePeer((c) => {
      c.open();
      c.onFrame = ({ type }) => {
        if (type === HEADERS) c.goAway(0, 11, 'too many');
      };
    });
    const result = await makePool({ origin: peer.origin, openIntervalMs: 10 }).send(request());
    expect(result).toEqual({ kind: 'refused', reason: 'GOAWAY ENHANCE_YOUR_CALM: too many' });
  });

  it('reports streams below the last id as ambiguous if the connection is cut before they finish', async () => {
    const peer = await makePeer((c) => {
      c.open();
      c.onFrame = ({ type }) => {
        if (type !== HEADERS) return;
        c.goAway(1, 2);
        c.socket.end();
      };
    });
    const result = await makePool({ origin: peer.origin }).send(request());
    expect(result).toEqual({ kind: 'ambiguous', reason: 'the peer closed the connection' });
  });
});

describe('connections that break', () => {
  it.each([
    ['FIN', 'the peer closed the connection'],
    ['RST', 'connection lost: read ECONNRESET'],
  ])('reports written requests as ambiguous after %s', async (how, reason) => {
    const peer = await makePeer((c) => {
      c.open();
      c.onFrame = ({ type }) => {
        if (type !== HEADERS) return;
        if (how === 'FIN') c.socket.end();
        else c.socket.resetAndDestroy();
      };
    });
    const pool = makePool({ origin: peer.origin });
    expect(await pool.send(request())).toEqual({ kind: 'ambiguous', reason });
    expect(pool.stats()).toMatchObject({ inFlight: 0, lastError: reason });
  });

  it('opens a new connection for the next request', async () => {
    const peer = await makePeer((c, n) => {
      if (n > 0) return answering()(c);
      c.open();
      c.onFrame = ({ type }) => {
        if (type === HEADERS) c.socket.destroy();
      };
    });
    const pool = makePool({ origin: peer.origin });
    expect((await pool.send(request())).kind).toBe('ambiguous');
    expect(await pool.send(request())).toMatchObject({ kind: 'answered', connection: 2 });
  });

  it('finds a connection that never answers by PING, without affecting others', async () => {
    const peer = await makePeer((c) => c.open([MAX_STREAMS, 1]));
    const pool = makePool({ origin: peer.origin, pingIntervalMs: 100, pingTimeoutMs: 100, maxConnections: 2 });
    const lost = pool.send(request());
    const first = await peer.connection(0);
    await until('the request', () => first.requests.length === 1);
    const kept = pool.send(request());
    const second = await peer.connection(1);
    second.onFrame = ({ type, payload }) => {
      if (type === PING) second.send(PING, ACK, 0, payload);
    };
    expect(await lost).toEqual({ kind: 'ambiguous', reason: 'no answer to PING' });
    await until('a PING on the other', () => second.of(PING).length > 1);
    second.answer(1);
    expect(await kept).toMatchObject({ kind: 'answered', connection: 2 });
  });

  it('answers PING with the same payload', async () => {
    const peer = await makePeer((c) => {
      answering()(c);
      c.send(PING, 0, 0, Buffer.from('12345678'));
    });
    await makePool({ origin: peer.origin }).send(request());
    const [c] = peer.connections;
    await until('the acknowledgement', () => c!.of(PING).length === 1);
    expect(c!.of(PING)[0]).toMatchObject({ flags: ACK, payload: Buffer.from('12345678') });
    expect(c!.of(SETTINGS).map((f) => f.flags)).toEqual([0, ACK]);
  });
});

describe('timeouts', () => {
  it('cancels the stream, reports it as ambiguous and keeps the connection', async () => {
    const peer = await makePeer((c) => {
      c.open();
      c.onFrame = ({ type, id, flags }) => {
        if (id !== 1 && type === DATA && (flags & END_STREAM) !== 0) c.answer(id);
        // An answer that crosses the reset is late, not an error.
        if (type === RST_STREAM) c.answer(id);
      };
    });
    const pool = makePool({ origin: peer.origin });
    expect(await pool.send(request('/a', { timeoutMs: 50 }))).toEqual({
      kind: 'ambiguous',
      reason: 'no answer within 50 ms',
    });
    const [c] = peer.connections;
    await until('the reset', () => c!.of(RST_STREAM).length === 1);
    expect(c!.of(RST_STREAM)[0]).toMatchObject({ id: 1, payload: u32(CANCEL) });
    expect(await pool.send(request())).toMatchObject({ kind: 'answered', connection: 1 });
  });

  it('retires a connection after eight timeouts in a row', async () => {
    const peer = await makePeer((c) => c.open());
    const pool = makePool({ origin: peer.origin, requestTimeoutMs: 50 });
    const results = await Promise.all(Array.from({ length: 8 }, () => pool.send(request())));
    expect(results.every((r) => r.kind === 'ambiguous')).toBe(true);
    await until('the connection closed', () => peer.connections[0]!.ended);
    expect(pool.stats()).toMatchObject({ connections: 0, lastError: '8 requests in a row timed out' });
  });

  it('count from the writing: a request that waited for a stream has the whole time for its answer', async () => {
    const peer = await makePeer((c) => {
      c.open([MAX_STREAMS, 1]);
      c.onFrame = ({ type, id, flags }) => {
        if (type === DATA && (flags & END_STREAM) !== 0) setTimeout(() => c.answer(id), 2_000);
      };
    });
    const pool = makePool({ origin: peer.origin, requestTimeoutMs: 3_000, maxConnections: 1 });
    const results = await Promise.all([pool.send(request('/a')), pool.send(request('/b'))]);
    expect(results.map(({ kind }) => kind)).toEqual(['answered', 'answered']);
  });

  it('refuse a request whose body was not completely written', async () => {
    const peer = await makePeer((c) => c.open([INITIAL_WINDOW, 4]));
    const pool = makePool({ origin: peer.origin });
    const result = await pool.send(request('/a', { timeoutMs: 200 }));
    expect(result).toEqual({ kind: 'refused', reason: 'no answer within 200 ms' });
  });

  it('refuse a request that never got a stream', async () => {
    const peer = await makePeer((c) => c.open([MAX_STREAMS, 0]));
    const pool = makePool({ origin: peer.origin });
    // Long enough for a second connection, which must not open to a peer that allows no stream.
    const result = await pool.send(request('/a', { timeoutMs: 500 }));
    expect(result).toEqual({ kind: 'refused', reason: 'no stream within 500 ms' });
    expect(peer.connections[0]!.requests).toEqual([]);
    expect(peer.connections).toHaveLength(1);
  });
});
