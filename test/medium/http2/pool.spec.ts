import { describe, expect, it } from 'vitest';
import { PushPool } from '../../../src/http2/pool.js';
import { makePeer, makePool, request } from './pools.js';
import {
  END_STREAM,
  SETTINGS,
  WINDOW_UPDATE,
  answering,
  settingsPayload,
  u32,
  type RawConnection,
} from './raw-peer.js';
import { until } from './until.js';

const MAX_STREAMS = 3;

/** Answers all open requests. */
function answerAll(c: RawConnection): void {
  for (const id of c.requests) if (!answered.has(`${c.socket.remotePort} ${id}`)) c.answer(id);
  for (const id of c.requests) answered.add(`${c.socket.remotePort} ${id}`);
}
const answered = new Set<string>();

describe('opening connections', () => {
  it('opens one for any number of simultaneous requests', async () => {
    const peer = await makePeer(answering());
    const pool = makePool({ origin: peer.origin });
    expect(peer.connections).toHaveLength(0);
    const results = await Promise.all(Array.from({ length: 500 }, () => pool.send(request())));
    expect(results.every((r) => r.kind === 'answered')).toBe(true);
    expect(peer.connections).toHaveLength(1);
    // Coalesced: far fewer reads than requests.
    expect(peer.connections[0]!.requests).toHaveLength(500);
  });

  it('opens more one at a time while all are full, up to the limit', async () => {
    const opened: number[] = [];
    const peer = await makePeer((c) => {
      opened.push(performance.now());
      c.open([MAX_STREAMS, 2]);
    });
    const pool = makePool({ origin: peer.origin, maxConnections: 3, openIntervalMs: 400 });
    const all = Promise.all(Array.from({ length: 10 }, () => pool.send(request())));
    for (let n = 0; n < 3; n++) {
      const c = await peer.connection(n);
      await until('it is full', () => c.requests.length === 2);
    }
    // 400 ms between dials; the first of the two may have been accepted late.
    expect(opened[2]! - opened[1]!).toBeGreaterThan(250);
    expect(pool.stats()).toMatchObject({ connections: 3, capacity: 6, inFlight: 6, waiting: 4 });
    for (const c of peer.connections) answerAll(c);
    await until(
      'four more',
      () => pool.stats().waiting === 0 && peer.connections.flatMap((c) => c.requests).length === 10,
    );
    for (const c of peer.connections) answerAll(c);
    expect((await all).every((r) => r.kind === 'answered')).toBe(true);
    expect(peer.connections).toHaveLength(3);
  });

  it('sends one request alone on a new connection that needs a primer', async () => {
    const peer = await makePeer((c) => c.open([MAX_STREAMS, 100]));
    const pool = makePool({ origin: peer.origin, primer: true, openIntervalMs: 10 });
    const all = Promise.all(Array.from({ length: 5 }, () => pool.send(request())));
    const c = await peer.connection(0);
    await until('the primer', () => c.of(0).length === 1);
    expect(pool.stats()).toMatchObject({ inFlight: 1, waiting: 4, capacity: 1 });
    const pings = c.frames.length;
    c.send(6, 0, 0, Buffer.alloc(8));
    await until('a sign that it had its chance', () => c.frames.length > pings);
    expect(c.requests).toEqual([1]);
    answerAll(c);
    await until('the others', () => c.requests.length === 5);
    answerAll(c);
    expect((await all).every((r) => r.kind === 'answered')).toBe(true);
    expect(peer.connections).toHaveLength(1);
  });

  it('waits for SETTINGS before it sends anything', async () => {
    const peer = await makePeer(() => {});
    const pool = makePool({ origin: peer.origin });
    const result = pool.send(request());
    const c = await peer.connection(0);
    await until('the client SETTINGS', () => c.of(SETTINGS).length === 1);
    expect(c.requests).toEqual([]);
    answering([MAX_STREAMS, 5])(c);
    expect((await result).kind).toBe('answered');
  });
});

describe('aborting requests', () => {
  it("refuses the caller's requests that wait for a stream at once, and no others", async () => {
    const peer = await makePeer((c) => c.open([MAX_STREAMS, 1]));
    const pool = makePool({ origin: peer.origin, maxConnections: 1 });
    const caller = new AbortController();
    const { signal } = caller;
    const written = pool.send(request('/written', { signal }));
    const c = await peer.connection(0);
    await until('the first request', () => c.requests.length === 1);
    const waiting = [1, 2].map((n) => pool.send(request(`/waiting/${n}`, { signal, urgent: n === 1 })));
    const other = pool.send(request('/other', { signal: new AbortController().signal }));
    caller.abort();
    // The written request is unanswered all the while.
    for (const result of await Promise.all(waiting)) expect(result.kind).toBe('refused');
    expect((await pool.send(request('/late', { signal }))).kind).toBe('refused');
    c.answer(1);
    expect((await written).kind).toBe('answered');
    await until('the other caller’s', () => c.requests.length === 2);
    c.answer(3);
    expect((await other).kind).toBe('answered');
    expect(peer.connections).toHaveLength(1);
  });

  it('does not repeat a request that the peer refused after the abort', async () => {
    const peer = await makePeer((c) => c.open([MAX_STREAMS, 1]));
    const pool = makePool({ origin: peer.origin, maxConnections: 1 });
    const caller = new AbortController();
    const result = pool.send(request('/refused', { signal: caller.signal }));
    const c = await peer.connection(0);
    await until('the request', () => c.requests.length === 1);
    caller.abort();
    const REFUSED_STREAM = Buffer.from([0, 0, 0, 7]);
    c.send(3, 0, 1, REFUSED_STREAM);
    expect((await result).kind).toBe('refused');
    expect(c.requests).toEqual([1]);
  });
});

describe('replacing connections', () => {
  it('drains a retired connection while its successor is used', async () => {
    const peer = await makePeer((c) => c.open());
    const pool = makePool({ origin: peer.origin });
    const before = pool.send(request('/before'));
    const first = await peer.connection(0);
    await until('the first request', () => first.requests.length === 1);
    pool.retire(1);
    const after = pool.send(request('/after'));
    const second = await peer.connection(1);
    await until('the second request', () => second.requests.length === 1);
    expect(first.ended).toBe(false);
    answerAll(second);
    expect(await after).toMatchObject({ kind: 'answered', connection: 2 });
    answerAll(first);
    expect(await before).toMatchObject({ kind: 'answered', connection: 1 });
    await until('the first is closed', () => first.ended);
    expect(first.goodbye).toBe(0);
  });

  it('opens the successor of an old connection before it drains', async () => {
    const peer = await makePeer((c) => {
      c.open([MAX_STREAMS, 10]);
      // The loop below may send more than the 65,535 octets of the first window.
      c.send(WINDOW_UPDATE, 0, 0, u32(1 << 30));
      c.onFrame = ({ type, flags, id }) => {
        // The first request stays open, so the connection stays in use.
        if (type === 0 && (flags & END_STREAM) !== 0 && !(c === peer.connections[0] && id === 1)) c.answer(id);
      };
    });
    const pool = makePool({ origin: peer.origin, maxAgeMs: 300, maxConnections: 1, openIntervalMs: 20 });
    const long = pool.send(request('/long'));
    const used = new Set<number>();
    let capacity = Infinity;
    while (!used.has(2)) {
      const result = await pool.send(request());
      expect(result).toMatchObject({ kind: 'answered' });
      if (result.kind === 'answered') used.add(result.connection);
      capacity = Math.min(capacity, pool.stats().capacity);
    }
    expect(capacity).toBe(10);
    expect(peer.connections[0]!.ended).toBe(false);
    peer.connections[0]!.answer(1);
    expect(await long).toMatchObject({ kind: 'answered', connection: 1 });
    await until('the old one closed', () => peer.connections[0]!.ended);
  });

  it('closes an old connection that is idle, without a successor', async () => {
    const peer = await makePeer(answering());
    const pool = makePool({ origin: peer.origin, maxAgeMs: 50 });
    expect((await pool.send(request())).kind).toBe('answered');
    await until('it is closed', () => peer.connections[0]!.ended);
    expect(pool.stats()).toMatchObject({ connections: 0, capacity: 0 });
    expect(peer.connections).toHaveLength(1);
  });

  it('replaces a connection whose stream ids run out', async () => {
    const peer = await makePeer(answering());
    const pool = makePool({ origin: peer.origin, openIntervalMs: 10 }, 0x7fff_ffff - 4);
    const results = await Promise.all(Array.from({ length: 5 }, () => pool.send(request())));
    expect(results.map((r) => (r.kind === 'answered' ? r.connection : r.kind))).toEqual([1, 1, 1, 2, 2]);
    expect(peer.connections[0]!.requests).toEqual([0x7fff_fffb, 0x7fff_fffd, 0x7fff_ffff]);
    await until('the first is closed', () => peer.connections[0]!.ended);
  });

  it('does not open and close quickly for a peer that answers nothing', async () => {
    const peer = await makePeer((c) => {
      c.open();
      c.onFrame = ({ type }) => {
        if (type === 1) c.goAway(0);
      };
    });
    const pool = makePool({ origin: peer.origin, openIntervalMs: 200 });
    const started = performance.now();
    expect((await pool.send(request())).kind).toBe('refused');
    expect((await pool.send(request())).kind).toBe('refused');
    // Two or three dials each; the later ones a quarter, a half and a whole interval apart, half of it jitter.
    expect(peer.connections.length).toBeLessThanOrEqual(6);
    expect(performance.now() - started).toBeGreaterThan(100);
  });

  it('spreads repeats: a refused request goes to another connection if there is one', async () => {
    const peer = await makePeer((c) => c.open([MAX_STREAMS, 1]));
    const pool = makePool({ origin: peer.origin, maxConnections: 2, openIntervalMs: 10 });
    const all = Promise.all([pool.send(request('/a')), pool.send(request('/b'))]);
    const [first, second] = [await peer.connection(0), await peer.connection(1)];
    await until('both at work', () => second.requests.length === 1);
    second.answer(1);
    await until('the second is free', () => pool.stats().inFlight === 1);
    first.send(3, 0, 1, Buffer.from([0, 0, 0, 7]));
    await until('the replay', () => second.requests.length === 2);
    second.answer(3);
    expect((await all).map((r) => (r.kind === 'answered' ? r.connection : r.kind))).toEqual([2, 2]);
    expect(first.requests).toEqual([1]);
  });
});

describe('back-pressure', () => {
  it('keeps requests in the pool while the socket accepts no more', async () => {
    const peer = await makePeer((c) => {
      c.open([MAX_STREAMS, 10_000]);
      c.send(8, 0, 0, Buffer.from([0x7f, 0, 0, 0]));
      c.send(SETTINGS, 0, 0, settingsPayload([4, 1_000_000]));
    });
    const pool = makePool({ origin: peer.origin, maxConnections: 1 });
    const warm = pool.send(request());
    const c = await peer.connection(0);
    await until('the first request', () => c.requests.length === 1);
    c.answer(1);
    await warm;
    c.socket.pause();
    const count = 2000;
    const body = Buffer.alloc(16_000);
    const all = Promise.all(Array.from({ length: count }, () => pool.send(request('/', { body }))));
    await until('the socket is full', () => pool.stats().inFlight > 0);
    let before = -1;
    await until('no more is written', () => {
      const now = pool.stats().inFlight;
      const still = now === before;
      before = now;
      return still;
    });
    // 32 MB are requested; loopback sockets hold some megabytes, and the pool holds 256 kB.
    expect(pool.stats().inFlight).toBeLessThan(count / 2);
    expect(pool.stats().waiting).toBeGreaterThan(count / 2);
    c.onFrame = ({ type, id, flags }) => {
      if (type === 0 && (flags & END_STREAM) !== 0) c.answer(id);
    };
    for (const frame of c.of(0)) if (frame.id > 1 && (frame.flags & END_STREAM) !== 0) c.answer(frame.id);
    c.socket.resume();
    expect((await all).every((r) => r.kind === 'answered')).toBe(true);
  });
});

describe('invalid requests of the caller', () => {
  it.each([
    ['a path without a slash', { path: 'x' }],
    ['a path with a space', { path: '/a b' }],
    ['a pseudo-header', { headers: [[':path', '/']] as const }],
    ['an upper-case name', { headers: [['Topic', 'x']] as const }],
    ['a line break', { headers: [['topic', 'x\r\ny: z']] as const }],
    ['a character above one octet', { headers: [['topic', '€']] as const }],
    ['a hop-by-hop header', { constant: [['connection', 'close']] as const }],
    ['content-length', { headers: [['content-length', '3']] as const }],
  ])('reject with TypeError: %s', async (_name, over) => {
    const peer = await makePeer(answering());
    const pool = makePool({ origin: peer.origin });
    await expect(pool.send(request('/', over))).rejects.toThrow(TypeError);
    expect(pool.stats().waiting).toBe(0);
  });

  it('refuses an origin with another protocol', () => {
    expect(() => new PushPool({ origin: 'ftp://localhost' })).toThrow(TypeError);
  });
});

describe('close', () => {
  it('refuses waiting requests, finishes written ones, and leaves nothing behind', async () => {
    const resources = (): string[] => process.getActiveResourcesInfo().filter((name) => /TCP|TLS|Timeout/.test(name));
    const timers = (): number => resources().filter((name) => name === 'Timeout').length;
    const [before, timersBefore] = [resources().length, timers()];
    const peer = await makePeer((c) => c.open([MAX_STREAMS, 1]));
    const pool = makePool({ origin: peer.origin, maxConnections: 1 });
    const written = pool.send(request());
    const waiting = pool.send(request());
    const c = await peer.connection(0);
    await until('the request', () => c.requests.length === 1);
    const closed = pool.close();
    expect(await waiting).toEqual({ kind: 'refused', reason: 'the pool is closed' });
    c.answer(1);
    expect(await written).toMatchObject({ kind: 'answered' });
    await closed;
    expect(timers()).toBeLessThanOrEqual(timersBefore);
    expect(await pool.send(request())).toEqual({ kind: 'refused', reason: 'the pool is closed' });
    await until('the goodbye', () => c.goodbye === 0);
    await peer.close();
    await until('no socket or timer is left', () => resources().length <= before);
  });

  it('cuts unanswered requests after the grace period', async () => {
    const peer = await makePeer((c) => c.open());
    const pool = makePool({ origin: peer.origin });
    const written = pool.send(request());
    const c = await peer.connection(0);
    await until('the request', () => c.requests.length === 1);
    await pool.close(30);
    expect(await written).toEqual({ kind: 'ambiguous', reason: 'the pool is closed' });
    expect(pool.stats()).toMatchObject({ connections: 0, inFlight: 0, waiting: 0 });
  });

  it('ends quickly while connecting, and may be called twice', async () => {
    const peer = await makePeer(() => {});
    const pool = makePool({ origin: peer.origin });
    const sent = pool.send(request());
    await peer.connection(0);
    await Promise.all([pool.close(), pool.close()]);
    expect((await sent).kind).toBe('refused');
  });
});
