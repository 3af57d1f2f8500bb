import { afterEach, vi } from 'vitest';
import { PushPool } from '../../../src/http2/pool.js';
import type { Header, PushPoolOptions, PushRequest } from '../../../src/http2/push.js';
import { startRawPeer, type RawConnection, type RawPeer } from './raw-peer.js';

// Real servers and sockets on a busy machine: `until` gives up after ten seconds, so that its message is shown.
vi.setConfig({ testTimeout: 30_000 });

const cleanups: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Runs after the test, in reverse order. */
export function later(cleanup: () => Promise<void>): void {
  cleanups.push(cleanup);
}

/** A pool that is closed after the test. */
export function makePool(options: PushPoolOptions, firstStreamId?: number): PushPool {
  const pool = new PushPool({ openIntervalMs: 50, ...options }, firstStreamId);
  later(() => pool.close(0));
  return pool;
}

/** A raw peer that is closed after the test. */
export async function makePeer(
  script: (connection: RawConnection, n: number) => void,
  scheme?: 'http' | 'https',
  port?: number,
): Promise<RawPeer> {
  const peer = await startRawPeer(script, scheme, port);
  later(() => peer.close());
  return peer;
}

export const constant: readonly Header[] = [
  ['authorization', 'bearer abc'],
  ['apns-topic', 'com.example'],
];

export function request(path = '/3/device/a', over: Partial<PushRequest> = {}): PushRequest {
  return { path, constant, body: Buffer.from('{"aps":{}}'), ...over };
}
