import type { ConnectionOptions } from './connection.js';
import { readDialTarget } from './dial.js';
import type { PoolMeter, PushPoolOptions } from './push.js';

/** The options of a pool with all defaults; most are options of its connections. Times are milliseconds. */
export interface PoolSettings extends Omit<ConnectionOptions, 'id' | 'session'> {
  maxConnections: number;
  requestTimeoutMs: number;
  maxAgeMs: number;
  openIntervalMs: number;
  meter: PoolMeter | undefined;
}

/** Throws TypeError if the origin is not an `http:` or `https:` URL. */
export function settlePoolOptions(options: PushPoolOptions, firstStreamId: number): PoolSettings {
  return {
    target: readDialTarget(options),
    neverIndex: new Set(options.neverIndex),
    primer: options.primer ?? false,
    // More than some sixteen connections per process bring little with the providers (eight addresses, two each).
    maxConnections: options.maxConnections ?? 16,
    requestTimeoutMs: options.requestTimeoutMs ?? 15_000,
    pingIntervalMs: options.pingIntervalMs ?? 30_000,
    pingTimeoutMs: options.pingTimeoutMs ?? 5000,
    maxAgeMs: options.maxAgeMs ?? 7_200_000,
    connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
    openIntervalMs: options.openIntervalMs ?? 1000,
    firstStreamId,
    meter: options.meter,
  };
}
