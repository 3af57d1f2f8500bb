import { connect } from 'node:net';
import { Queue, Worker } from 'bullmq';
import { withDeadline } from '../common/deadline.js';
import { rootCause } from '../common/errors.js';
import { StartError } from '../common/start-error.js';
import { readQueueUrl } from '../server-url.js';
import type { QueueAddress } from '../server-url.js';
import { LOCKS } from './backend.js';
import type { Backend } from './backend.js';
import { QUEUE_NAMES } from './jobs.js';
import type { JobData } from './jobs.js';
import { CONNECT_MS, connectCopiesAtOnce, keysOf, newClient, placeOf } from './redis-client.js';
import type { RedisClient } from './redis-client.js';
import { countShared } from './shared-counter.js';
import { steady } from './steady-worker.js';

/** Redis sends an error at once if it refuses a connection; otherwise it waits for a command. */
const HEAR_MS = 500;

/** Writes two keys: a replica, a full Redis, and a user without scripts or with other keys refuse this. */
const PROBE = `redis.call('set', KEYS[1], '1', 'px', 1000) return redis.call('del', KEYS[2])`;

export async function openRedis(
  url: string,
  prefix = 'bull',
  onError: (error: Error) => void = () => undefined,
): Promise<Backend> {
  const address = readQueueUrl(url);
  const place = placeOf(address);
  // In a cluster each queue has a master of its own, and one of them may be down.
  const places = [...new Set(QUEUE_NAMES.map((name) => keysOf(name, prefix, address)))];
  const producer = newClient(address, 'produce');
  const consumer = newClient(address, 'consume');
  let refusal: Error | undefined;
  const remember = (error: Error): void => void (refusal = ofServer(error));
  producer.on('error', remember);
  consumer.on('error', remember);
  try {
    await tryOnce(address, places);
    await withDeadline('The queue', CONNECT_MS, Promise.all([producer.connect(), consumer.connect()]));
  } catch (error) {
    producer.disconnect();
    consumer.disconnect();
    if (error instanceof Refused) throw unusable(address, error.cause);
    const words = await hear(address);
    throw new StartError(`The queue cannot be reached (${place})`, words ?? refusal ?? error);
  }
  connectCopiesAtOnce(consumer);
  producer.off('error', remember).on('error', onError);
  consumer.off('error', remember).on('error', onError);

  return {
    place,
    newQueue: (name) => new Queue(name, { connection: producer, prefix: keysOf(name, prefix, address) }),
    newWorker: (name, run, concurrency) => {
      const keys = keysOf(name, prefix, address);
      const how = { connection: consumer, prefix: keys, concurrency, autorun: false, ...LOCKS };
      return steady(new Worker<JobData>(name, (job) => run(job.data), how));
    },
    probe: () => probeWrites(producer, places),
    count: (name, by, windowMs) => countShared(producer, `${prefix}:count:${name}`, by, windowMs),
    abandonWorkers: () => consumer.disconnect(),
    close: async () => {
      await Promise.all([leave(producer), leave(consumer)]);
    },
  };
}

/** Redis' message when it closes a connection because it has no room; ioredis writes first, and loses the message. */
async function hear({ host, port, tls, sentinels, cluster }: QueueAddress): Promise<string | undefined> {
  if (tls || sentinels || cluster) return undefined;
  const socket = connect({ host, port, timeout: HEAR_MS });
  socket.on('timeout', () => socket.destroy());
  try {
    for await (const chunk of socket) {
      const [, words] = /^-(.+)/.exec(String(chunk)) ?? [];
      return words?.trim();
    }
  } catch {
    // Redis is unreachable, which was reported already.
  }
  return undefined;
}

function probeWrites(connection: RedisClient, places: readonly string[]): Promise<unknown> {
  return Promise.all(places.map((keys) => connection.eval(PROBE, 2, `${keys}:probe:a`, `${keys}:probe:b`)));
}

/** Redis was reached, but refuses a command. */
class Refused extends Error {}

/** Tries what the queue needs on a separate connection. Throws Refused. */
async function tryOnce(address: QueueAddress, places: readonly string[]): Promise<void> {
  await trying(address, async (connection) => {
    const asked = async (): Promise<void> => {
      // ioredis continues in database 0 if another one is refused.
      if (address.db) await connection.select(address.db);
      await probeWrites(connection, places);
      // BullMQ reads the version on each connection.
      await connection.info('server');
    };
    await withDeadline('The queue', CONNECT_MS, asked()).catch((cause: unknown) => {
      throw new Refused('refused', { cause });
    });
  });
}

async function trying(address: QueueAddress, ask: (connection: RedisClient) => Promise<void>): Promise<void> {
  const connection = newClient(address, 'try');
  let refusal: Error | undefined;
  connection.on('error', (error: Error) => void (refusal = ofServer(error)));
  try {
    await withDeadline('The queue', CONNECT_MS, connection.connect()).catch(async (error: unknown) => {
      if (refusal && isOtherMode(refusal)) throw new Refused('refused', { cause: refusal });
      // The client of a cluster does not tell why it found no server; the client of a single server tells.
      if (address.cluster) await trying({ ...address, cluster: undefined }, () => Promise.resolve());
      throw refusal ?? error;
    });
    await ask(connection);
  } finally {
    connection.disconnect();
  }
}

/** The client of a cluster has an error of its own, with the error of the last server that it tried. */
function ofServer(error: Error & { lastNodeError?: Error }): Error {
  return error.lastNodeError ?? error;
}

/** A single Redis was given as a cluster. */
function isOtherMode(error: Error): boolean {
  return /cluster support disabled/.test(rootCause(error));
}

function unusable(address: QueueAddress, error: unknown): StartError {
  const words = rootCause(error);
  const place = placeOf(address);
  if (!address.cluster && /CROSSSLOT|MOVED|CLUSTERDOWN/.test(words))
    return new StartError(`The queue cannot be used: ${place} runs in cluster mode; write redis+cluster://`, error);
  if (/cluster support disabled/.test(words))
    return new StartError(`The queue cannot be used: ${place} does not run in cluster mode; write redis://`, error);
  if (/READONLY/.test(words))
    return new StartError(
      `The queue cannot be used: ${place} is a read-only replica; give its master’s address`,
      error,
    );
  return new StartError(`The queue cannot be used (${place})`, error);
}

async function leave(connection: RedisClient): Promise<void> {
  // While a connection is down, QUIT would wait in ioredis' queue for the return of Redis.
  if (connection.status !== 'ready') return connection.disconnect();
  await connection.quit().catch(() => undefined);
}
