import { Cluster, Redis } from 'ioredis';
import type { RedisOptions } from 'ioredis';
import type { QueueAddress } from '../server-url.js';
import type { QueueName } from './jobs.js';

/** Connections to a Redis, to the master that sentinels name, or to a Redis Cluster. */
export type RedisClient = Redis | Cluster;

export const CONNECT_MS = 5_000;

/**
 * The longest wait for the answer to a worker's command: longer than the 10 s of a blocking read, so that silence means
 * a lost server.
 */
export const SILENCE_MS = 15_000;

const CONNECTION: RedisOptions = {
  lazyConnect: true,
  connectTimeout: CONNECT_MS,
  keepAlive: 10_000,
  socketTimeout: SILENCE_MS,
  // The master was demoted: the address may already lead to the new one. Reconnect and repeat the command.
  reconnectOnError: ({ message }) => /READONLY|UNBLOCKED/.test(message),
};

/** A producer must fail fast; a worker must wait for ever (BullMQ requires null); a trial is not repeated. */
type Use = 'produce' | 'consume' | 'try';

const OF_USE: Readonly<Record<Use, RedisOptions>> = {
  produce: { enableOfflineQueue: false, maxRetriesPerRequest: 1 },
  consume: { maxRetriesPerRequest: null },
  // ioredis sends INFO before it is ready, and prints a warning if it is refused.
  try: { enableReadyCheck: false, retryStrategy: () => null, sentinelRetryStrategy: () => null },
};

/** The client is not connected yet. */
export function newClient(address: QueueAddress, use: Use): RedisClient {
  const { host, port, username, password, db, tls, sentinels, cluster } = address;
  const common = { ...CONNECTION, ...OF_USE[use], username, password, ...(tls && { tls: {} }) };
  if (cluster) return newCluster(cluster, common, use);
  if (!sentinels) return new Redis({ ...common, db, host, port });
  return new Redis({
    ...common,
    db,
    sentinels: sentinels.hosts,
    name: sentinels.name,
    sentinelUsername: sentinels.username,
    sentinelPassword: sentinels.password,
    ...(tls && { sentinelTLS: {}, enableTLSForSentinelMode: true }),
  });
}

function newCluster(hosts: NonNullable<QueueAddress['cluster']>, options: RedisOptions, use: Use): Cluster {
  const { enableOfflineQueue = true, retryStrategy, ...redisOptions } = options;
  return new Cluster(hosts, {
    redisOptions,
    lazyConnect: true,
    enableOfflineQueue,
    // TLS checks the certificate against the given names, not against their addresses.
    dnsLookup: (name, done) => done(null, name),
    ...(use === 'try' && {
      enableReadyCheck: false,
      clusterRetryStrategy: retryStrategy,
      retryDelayOnClusterDown: 0,
      retryDelayOnFailover: 0,
    }),
  });
}

/**
 * Each worker has a copy of the client for its blocking reads. If the first ready check of a cluster's client fails
 * (a master is down), the client reconnects, but its `connect()` never settles (ioredis 6.0): BullMQ, which awaits the
 * `connect()` of an unconnected client, would wait for ever. For a client that connects by itself BullMQ awaits the
 * event `ready`.
 */
export function connectCopiesAtOnce(client: RedisClient): void {
  if (client.isCluster) client.options.lazyConnect = false;
}

/**
 * The first part of the keys of a queue. In a cluster the part in braces decides which master has a key
 * (redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec, "Hash tags"): all keys of a queue are together,
 * as BullMQ's scripts require, and the queues are spread over the masters.
 */
export function keysOf(name: QueueName, prefix: string, { cluster }: QueueAddress): string {
  return cluster ? `{${prefix}:${name}}` : prefix;
}

/** The place for logs, without credentials. */
export function placeOf({ host, port, db, sentinels, cluster }: QueueAddress): string {
  const database = db === 0 ? '' : `/${db}`;
  const list = (hosts: readonly { host: string; port: number }[]) =>
    hosts.map((each) => `${each.host}:${each.port}`).join(',');
  if (cluster) return `Redis Cluster at ${list(cluster)}`;
  if (sentinels) return `Redis ${sentinels.name}${database} by its sentinels at ${list(sentinels.hosts)}`;
  return `Redis at ${host}:${port}${database}`;
}
