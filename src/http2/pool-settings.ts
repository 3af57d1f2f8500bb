import type { ConnectionOptions } from './connection.js';
import { readDialTarget } from './dial.js';
import type { PushPoolOptions } from './push.js';

/** The options of a pool with every default filled in; most are those of its connections. Times are milliseconds. */
export interface PoolSettings extends Omit<ConnectionOptions, 'id' | 'session'> {
  maxConnections: number;
  requestTimeoutMs: number;
  maxAgeMs: number;
  openIntervalMs: number;
}

/** Throws TypeError for an origin that is no `http:` or `https:` URL. */
export function settlePoolOptions(options: PushPoolOptions, firstStreamId: number): PoolSettings {
  return {
    target: readDialTarget(options),
    neverIndex: new Set(options.neverIndex),
    primer: options.primer ?? false,
    // Providers see little gain past some sixteen connections a process (eight addresses, two each).
    maxConnections: options.maxConnections ?? 16,
    requestTimeoutMs: options.requestTimeoutMs ?? 15_000,
    pingIntervalMs: options.pingIntervalMs ?? 30_000,
    pingTimeoutMs: options.pingTimeoutMs ?? 5000,
    maxAgeMs: options.maxAgeMs ?? 7_200_000,
    connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
    openIntervalMs: options.openIntervalMs ?? 1000,
    firstStreamId,
  };
}
