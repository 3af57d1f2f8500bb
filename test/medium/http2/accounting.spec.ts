import { describe, expect, it } from 'vitest';
import { HpackDecoder } from '../../../src/http2/hpack-decoder.js';
import { makePeer, makePool, request } from './pools.js';
import {
  DATA,
  END_STREAM,
  HEADERS,
  RST_STREAM,
  SETTINGS,
  settingsPayload,
  u32,
  type RawConnection,
} from './raw-peer.js';

const REFUSED_STREAM = 7;
const REQUESTS = 5000;

/** Numbers in [0, 1) that are equal for the same seed (mulberry32). */
function seeded(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Faults {
  /** Probability per request that the peer does this to its connection or stream. */
  goAway?: number;
  refuse?: number;
  fin?: number;
  reset?: number;
  settings?: number;
}

/** A peer that records the requests it acted on, and misbehaves within the protocol. */
function ledgerPeer(faults: Faults, random: () => number, ledger: Map<string, number>): (c: RawConnection) => void {
  return (c) => {
    const decoder = new HpackDecoder(65_536);
    const paths = new Map<number, string>();
    let lastId = Infinity;
    let newest = 0;
    c.open([3, 100]);
    const act = (id: number): void => {
      const path = paths.get(id)!;
      ledger.set(path, (ledger.get(path) ?? 0) + 1);
      // Some answers wait for others, so that streams of many ages are open at a fault.
      if (random() < 0.7) c.answer(id);
      else setImmediate(() => c.answer(id));
    };
    c.onFrame = ({ type, flags, id, payload }) => {
      if (type === HEADERS) {
        const list = decoder.decode(payload, 0, payload.length);
        paths.set(id, list[list.indexOf(':path') + 1]!);
        newest = id;
      }
      if (type !== DATA || (flags & END_STREAM) === 0 || id > lastId) return;
      if (random() < (faults.refuse ?? 0)) return c.send(RST_STREAM, 0, id, u32(REFUSED_STREAM));
      if (random() < (faults.settings ?? 0))
        c.send(SETTINGS, 0, 0, settingsPayload([3, Math.floor(random() * 200)], [4, 20]));
      if (random() < 0.1) c.send(SETTINGS, 0, 0, settingsPayload([3, 100], [4, 65_535]));
      if (lastId === Infinity && random() < (faults.goAway ?? 0)) {
        // A last id in the middle of the open streams; streams above it are dropped.
        lastId = Math.max(id - 2, 0) + 2 * Math.floor((random() * (newest - id + 2)) / 2);
        if (random() < 0.5) c.goAway(0x7fff_ffff);
        c.goAway(lastId);
        if (id > lastId) return;
      }
      act(id);
      if (random() < (faults.fin ?? 0)) c.socket.end();
      if (random() < (faults.reset ?? 0)) c.socket.resetAndDestroy();
    };
  };
}

describe('the results of all requests', () => {
  it.each<[string, Faults, boolean]>([
    ['GOAWAY during requests', { goAway: 0.01 }, true],
    ['GOAWAY, refused streams and changing settings', { goAway: 0.005, refuse: 0.02, settings: 0.02 }, true],
    ['FIN and RST', { fin: 0.003, reset: 0.003 }, false],
    ['everything', { goAway: 0.005, refuse: 0.02, fin: 0.002, reset: 0.002, settings: 0.02 }, false],
  ])('adds up: %s', { timeout: 60_000 }, async (_name, faults, isSafe) => {
    const ledger = new Map<string, number>();
    const peer = await makePeer(ledgerPeer(faults, seeded(42), ledger));
    const pool = makePool({ origin: peer.origin, openIntervalMs: 5, maxConnections: 4 });
    const kinds = { answered: 0, refused: 0, ambiguous: 0 };
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next < REQUESTS) {
        const path = `/${next++}`;
        const result = await pool.send(request(path));
        kinds[result.kind]++;
        const acted = ledger.get(path) ?? 0;
        if (result.kind === 'answered') expect(acted, path).toBe(1);
        else if (result.kind === 'refused') expect(acted, path).toBe(0);
        else expect(acted, path).toBeLessThanOrEqual(1);
      }
    };
    await Promise.all(Array.from({ length: 300 }, lane));
    expect(kinds.answered + kinds.refused + kinds.ambiguous).toBe(REQUESTS);
    expect(kinds.answered).toBeGreaterThan(REQUESTS / 2);
    expect([...ledger.values()].every((times) => times === 1)).toBe(true);
    expect(peer.connections.length).toBeGreaterThan(5);
    // Without cut connections, no result is ambiguous.
    if (isSafe) expect(kinds.ambiguous).toBe(0);
    else expect(kinds.ambiguous).toBeGreaterThan(0);
    expect(pool.stats()).toMatchObject({ inFlight: 0, waiting: 0 });
  });
});
