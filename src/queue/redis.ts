import { connect } from 'node:net';
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import type { RedisOptions } from 'ioredis';
import { withDeadline } from '../common/deadline.js';
import { rootCause } from '../common/errors.js';
import { StartError } from '../common/start-error.js';
import { readQueueUrl } from '../server-url.js';
import type { QueueAddress } from '../server-url.js';
import { LOCKS } from './backend.js';
import type { Backend } from './backend.js';
import type { JobData } from './jobs.js';
import { countShared } from './shared-counter.js';
import { pauseOnRefusal } from './steady-worker.js';

const START_MS = 5_000;
/** Redis sends an error at once if it refuses a connection; otherwise it waits for a command. */
const HEAR_MS = 500;

/**
 * The longest wait for the answer to a worker's command: longer than the 10 s of a blocking read, so that silence means
 * a lost server.
 */
export const SILENCE_MS = 15_000;

const CONNECTION: RedisOptions = {
  lazyConnect: true,
  connectTimeout: START_MS,
  keepAlive: 10_000,
  socketTimeout: SILENCE_MS,
  // The master was demoted: the address may already lead to the new one. Reconnect and repeat the command.
  reconnectOnError: ({ message }) => /READONLY|UNBLOCKED/.test(message),
};

/** Writes two keys: a replica, a full Redis, a cluster, and a user without scripts or with other keys refuse this. */
const PROBE = `redis.call('set', KEYS[1], '1', 'px', 1000) return redis.call('del', KEYS[2])`;

export async function openRedis(
  url: string,
  prefix = 'bull',
  onError: (error: Error) => void = () => undefined,
): Promise<Backend> {
  const address = readQueueUrl(url);
  const place = placeOf(address);
  const options = optionsOf(address);
  // A producer must fail fast; a worker must wait for ever (BullMQ requires null).
  const producer = new Redis({ ...options, enableOfflineQueue: false, maxRetriesPerRequest: 1 });
  const consumer = new Redis({ ...options, maxRetriesPerRequest: null });
  let refusal: Error | undefined;
  const remember = (error: Error): void => void (refusal = error);
  producer.on('error', remember);
  consumer.on('error', remember);
  try {
    await tryOnce(options, prefix);
    await withDeadline('The queue', START_MS, Promise.all([producer.connect(), consumer.connect()]));
  } catch (error) {
    producer.disconnect();
    consumer.disconnect();
    if (error instanceof Refused) throw unusable(place, error.cause);
    const words = await hear(address);
    throw new StartError(`The queue cannot be reached (${place})`, words ?? refusal ?? error);
  }
  producer.off('error', remember).on('error', onError);
  consumer.off('error', remember).on('error', onError);

  return {
    place,
    newQueue: (name) => new Queue(name, { connection: producer, prefix }),
    newWorker: (name, run, concurrency) => {
      const how = { connection: consumer, prefix, concurrency, autorun: false, ...LOCKS };
      return pauseOnRefusal(new Worker<JobData>(name, (job) => run(job.data), how));
    },
    probe: () => probeWrites(producer, prefix),
    count: (name, by, windowMs) => countShared(producer, `${prefix}:count:${name}`, by, windowMs),
    abandonWorkers: () => consumer.disconnect(),
    close: async () => {
      await Promise.all([leave(producer), leave(consumer)]);
    },
  };
}

/** The place for logs, without credentials. */
function placeOf({ host, port, db, sentinels }: QueueAddress): string {
  const database = db === 0 ? '' : `/${db}`;
  if (!sentinels) return `Redis at ${host}:${port}${database}`;
  const hosts = sentinels.hosts.map((each) => `${each.host}:${each.port}`).join(',');
  return `Redis ${sentinels.name}${database} by its sentinels at ${hosts}`;
}

function optionsOf({ host, port, username, password, db, tls, sentinels }: QueueAddress): RedisOptions {
  const common = { ...CONNECTION, username, password, db, ...(tls && { tls: {} }) };
  if (!sentinels) return { ...common, host, port };
  return {
    ...common,
    sentinels: sentinels.hosts,
    name: sentinels.name,
    sentinelUsername: sentinels.username,
    sentinelPassword: sentinels.password,
    ...(tls && { sentinelTLS: {}, enableTLSForSentinelMode: true }),
  };
}

/** Redis' message when it closes a connection because it has no room; ioredis writes first, and loses the message. */
async function hear({ host, port, tls, sentinels }: QueueAddress): Promise<string | undefined> {
  if (tls || sentinels) return undefined;
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

function probeWrites(connection: Redis, prefix: string): Promise<unknown> {
  return connection.eval(PROBE, 2, `${prefix}:probe:a`, `${prefix}:probe:b`);
}

/** Redis was reached, but refuses a command. */
class Refused extends Error {}

/** Tries what the queue needs on a separate connection. Throws Refused. */
async function tryOnce(options: RedisOptions, prefix: string): Promise<void> {
  // ioredis sends INFO before it is ready, and prints a warning if it is refused.
  const connection = new Redis({
    ...options,
    enableReadyCheck: false,
    retryStrategy: () => null,
    sentinelRetryStrategy: () => null,
  });
  let refusal: Error | undefined;
  connection.on('error', (error: Error) => void (refusal = error));
  try {
    await withDeadline('The queue', START_MS, connection.connect()).catch((error: unknown) => {
      throw refusal ?? error;
    });
    const asked = async (): Promise<void> => {
      // ioredis continues in database 0 if another one is refused.
      if (options.db) await connection.select(options.db);
      await probeWrites(connection, prefix);
      // BullMQ reads the version on each connection.
      await connection.info('server');
    };
    await withDeadline('The queue', START_MS, asked()).catch((cause: unknown) => {
      throw new Refused('refused', { cause });
    });
  } finally {
    connection.disconnect();
  }
}

function unusable(place: string, error: unknown): StartError {
  const words = rootCause(error);
  if (/CROSSSLOT|MOVED|CLUSTERDOWN/.test(words))
    return new StartError(`The queue cannot be used: ${place} runs in cluster mode; give a single Redis`, error);
  if (/READONLY/.test(words))
    return new StartError(
      `The queue cannot be used: ${place} is a read-only replica; give its master’s address`,
      error,
    );
  return new StartError(`The queue cannot be used (${place})`, error);
}

async function leave(connection: Redis): Promise<void> {
  // While a connection is down, QUIT would wait in ioredis' queue for the return of Redis.
  if (connection.status !== 'ready') return connection.disconnect();
  await connection.quit().catch(() => undefined);
}
