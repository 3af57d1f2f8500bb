import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import type { RedisOptions } from 'ioredis';
import { withDeadline } from '../common/deadline.js';
import { rootCause } from '../common/errors.js';
import { StartError } from '../common/start-error.js';
import { readQueueUrl } from '../server-url.js';
import { LOCKS } from './backend.js';
import type { Backend } from './backend.js';
import type { JobData } from './jobs.js';
import { pauseOnRefusal } from './steady-worker.js';

const START_MS = 5_000;

/** No command of a worker waits for its answer longer than the 10 s of a blocking read: then the server is gone without a word. */
export const SILENCE_MS = 15_000;

const CONNECTION: RedisOptions = {
  lazyConnect: true,
  connectTimeout: START_MS,
  keepAlive: 10_000,
  socketTimeout: SILENCE_MS,
  // A master that was demoted: the address may lead to the new one by now. The command fails, and comes again.
  reconnectOnError: ({ message }) => /READONLY|UNBLOCKED/.test(message),
};

/** Writes, over two keys: refused by a replica, a full Redis, a cluster, and to a user without scripts or with other keys. */
const PROBE = `redis.call('set', KEYS[1], '1', 'px', 1000) return redis.call('del', KEYS[2])`;

export async function openRedis(
  url: string,
  prefix = 'bull',
  onError: (error: Error) => void = () => undefined,
): Promise<Backend> {
  const { host, port, username, password, db, tls } = readQueueUrl(url);
  const place = `Redis at ${host}:${port}${db === 0 ? '' : `/${db}`}`;
  const options = { ...CONNECTION, host, port, username, password, db, ...(tls && { tls: {} }) };
  // A producer must fail fast; a worker must wait for ever (BullMQ asks for null).
  const producer = new Redis({ ...options, enableOfflineQueue: false, maxRetriesPerRequest: 1 });
  const consumer = new Redis({ ...options, maxRetriesPerRequest: null });
  const probe = () => producer.eval(PROBE, 2, `${prefix}:probe:a`, `${prefix}:probe:b`);
  let refusal: Error | undefined;
  const remember = (error: Error): void => void (refusal = error);
  producer.on('error', remember);
  consumer.on('error', remember);
  try {
    await withDeadline('The queue', START_MS, Promise.all([producer.connect(), consumer.connect()]));
  } catch (error) {
    disconnect();
    throw new StartError(`The queue cannot be reached (${place})`, refusal ?? error);
  }
  try {
    // ioredis goes on in database 0 when another is refused.
    if (db !== 0) await producer.select(db);
    await withDeadline('The queue', START_MS, probe());
    // BullMQ asks for the version on each connection.
    await withDeadline('The queue', START_MS, producer.info('server'));
  } catch (error) {
    disconnect();
    throw unusable(place, error);
  }
  producer.off('error', remember).on('error', onError);
  consumer.off('error', remember).on('error', onError);

  function disconnect(): void {
    producer.disconnect();
    consumer.disconnect();
  }

  return {
    place,
    newQueue: (name) => new Queue(name, { connection: producer, prefix }),
    newWorker: (name, run, concurrency) => {
      const how = { connection: consumer, prefix, concurrency, autorun: false, ...LOCKS };
      return pauseOnRefusal(new Worker<JobData>(name, (job) => run(job.data), how));
    },
    probe,
    abandonWorkers: () => consumer.disconnect(),
    close: async () => {
      await Promise.all([leave(producer), leave(consumer)]);
    },
  };
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
  // A connection that is down would keep QUIT, behind what else waits for Redis to return.
  if (connection.status !== 'ready') return connection.disconnect();
  await connection.quit().catch(() => undefined);
}
