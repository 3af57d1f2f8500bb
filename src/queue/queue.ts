import { setTimeout as delay } from 'node:timers/promises';
import { Queue, Worker, createPostgresBackend, runMigrations, withBackend } from 'bullmq';
import type { JobsOptions } from 'bullmq';
import { Redis } from 'ioredis';
import { StartError } from '../common/start-error.js';
import type { Config } from '../config.js';
import type { Database } from '../database/database.js';
import { newQueuePool } from '../database/postgres.js';
import { QUEUE_NAMES } from './jobs.js';
import type { Job, QueueName } from './jobs.js';

/** Nobody waits longer for the queue: the rows are committed, and the sweeper will queue them. */
const DEADLINE_MS = 2_000;

/** A stopping worker has this long, after its last job, to tell the queue that it leaves. */
const LEAVE_DEADLINE_MS = 1_000;

const QUIET_MS = 10_000;

/** Connections to PostgreSQL for the queue's statements; a worker has one more to LISTEN on, which BullMQ does not share. */
const CONNECTIONS = 16;

/**
 * A killed process leaves its jobs locked, and a job that is there cannot be added again: with BullMQ's 30 s for both, the
 * sweeper was kept for up to a minute from what it had found. As long as a batch's lease.
 */
const LOCKS = { lockDuration: 10_000, stalledInterval: 5_000 };

const JOB_DEFAULTS: JobsOptions = {
  // Jobs are only hints that a row wants work. A finished or failed one has nothing to tell that the row does not.
  removeOnComplete: true,
  removeOnFail: true,
  attempts: 3,
  backoff: { type: 'exponential', delay: 500 },
};

interface QueueLike {
  addBulk(jobs: { name: string; data: Job['data']; opts: JobsOptions }[]): Promise<unknown>;
  getJobCounts(): Promise<unknown>;
  close(): Promise<void>;
  on(event: 'error', listener: (error: Error) => void): unknown;
}
interface WorkerLike {
  close(force?: boolean): Promise<void>;
  on(event: 'error' | 'failed', listener: (...args: never[]) => void): unknown;
}
interface Backend {
  place: string;
  newQueue(name: QueueName): QueueLike;
  newWorker(name: QueueName, run: (data: Job['data']) => Promise<void>, concurrency: number): WorkerLike;
  /** Lets go of what workers still wait to hear; their close() may never settle. */
  abandonWorkers(): void;
  close(): Promise<void>;
}

/** The queues of this process: adding jobs, and working them off where the role asks for it. */
export class Queues {
  private readonly queues = new Map<QueueName, QueueLike>();
  private readonly workers: WorkerLike[] = [];
  private jobsUnderWay = 0;

  private constructor(
    private readonly backend: Backend,
    private readonly onError: (error: Error) => void,
  ) {}

  static async open(
    config: Pick<Config, 'queueUrl' | 'databaseUrl'>,
    database: Database,
    report: (error: Error) => void,
  ): Promise<Queues> {
    const onError = seldom(report);
    const backend = config.queueUrl
      ? await openRedis(config.queueUrl, onError)
      : await openOnDatabase(config.databaseUrl, database);
    const queues = new Queues(backend, onError);
    for (const name of QUEUE_NAMES) {
      const queue = backend.newQueue(name);
      queue.on('error', onError);
      queues.queues.set(name, queue);
    }
    return queues;
  }

  /** For people: where the queue is, without credentials. */
  get place(): string {
    return this.backend.place;
  }

  /** Adds jobs of one queue. Rejects within 2 s when the queue is away; nothing is lost by that. */
  async add(name: QueueName, jobs: readonly Job[]): Promise<void> {
    if (jobs.length === 0) return;
    await withDeadline(
      this.queue(name).addBulk(
        jobs.map((job) => ({
          name,
          data: job.data,
          opts: { ...JOB_DEFAULTS, jobId: job.id, priority: job.priority, delay: job.delayMs },
        })),
      ),
    );
  }

  /** Rejects when the queue cannot be reached. */
  async ping(): Promise<void> {
    await withDeadline(this.queue('expand').getJobCounts());
  }

  work(name: QueueName, concurrency: number, run: (data: Job['data']) => Promise<void>): void {
    const counted = async (data: Job['data']): Promise<void> => {
      this.jobsUnderWay++;
      try {
        await run(data);
      } finally {
        this.jobsUnderWay--;
      }
    };
    const worker = this.backend.newWorker(name, counted, concurrency);
    worker.on('error', this.onError);
    worker.on('failed', (_job: unknown, error: Error) => this.onError(error));
    this.workers.push(worker);
  }

  /** Takes no more jobs and waits for those being worked on, but not for a queue that is away. */
  async stopWorkers(): Promise<void> {
    const closed = Promise.all(this.workers.splice(0).map((worker) => worker.close())).then(() => true);
    // While Redis is away a worker waits for its return to say that a job is done. The rows say it already.
    while (!(await Promise.race([closed, delay(LEAVE_DEADLINE_MS, false, { ref: false })])))
      if (this.jobsUnderWay === 0) return this.backend.abandonWorkers();
  }

  async close(): Promise<void> {
    await this.stopWorkers();
    await Promise.all([...this.queues.values()].map((queue) => withDeadline(queue.close()).catch(this.onError)));
    await this.backend.close();
  }

  private queue(name: QueueName): QueueLike {
    const queue = this.queues.get(name);
    if (!queue) throw new Error(`No queue ${name}`);
    return queue;
  }
}

async function openRedis(url: string, onError: (error: Error) => void): Promise<Backend> {
  const { hostname, port, pathname } = new URL(url);
  const place = `Redis at ${hostname}:${port || 6379}${pathname === '/' ? '' : pathname}`;
  // A producer must fail fast; a worker must wait for ever (BullMQ asks for null).
  const producer = new Redis(url, { enableOfflineQueue: false, maxRetriesPerRequest: 1, lazyConnect: true });
  const consumer = new Redis(url, { maxRetriesPerRequest: null, lazyConnect: true });
  let refusal: Error | undefined;
  const remember = (error: Error): void => void (refusal = error);
  producer.on('error', remember);
  consumer.on('error', remember);
  try {
    await withDeadline(Promise.all([producer.connect(), consumer.connect()]));
  } catch (error) {
    producer.disconnect();
    consumer.disconnect();
    throw new StartError(`The queue cannot be reached (${place})`, refusal ?? error);
  }
  producer.off('error', remember).on('error', onError);
  consumer.off('error', remember).on('error', onError);
  return {
    place,
    newQueue: (name) => new Queue(name, { connection: producer }),
    newWorker: (name, run, concurrency) =>
      new Worker(name, (job: { data: Job['data'] }) => run(job.data), { connection: consumer, concurrency, ...LOCKS }),
    abandonWorkers: () => consumer.disconnect(),
    close: async () => {
      await Promise.all([leave(producer), leave(consumer)]);
    },
  };
}

async function leave(connection: Redis): Promise<void> {
  // A connection that is down would keep QUIT, behind what else waits for Redis to return.
  if (connection.status !== 'ready') return connection.disconnect();
  await connection.quit().catch(() => undefined);
}

/** While a server is away every connection says so several times a second: the same words once in ten seconds will do. */
function seldom(report: (error: Error) => void): (error: Error) => void {
  const said = new Map<string, number>();
  return (error) => {
    const now = Date.now();
    if (now - (said.get(error.message) ?? 0) < QUIET_MS) return;
    if (said.size > 100) said.clear();
    said.set(error.message, now);
    report(error);
  };
}

/** BullMQ's tables live in the schema `bullmq`, beside ours. */
async function openOnDatabase(databaseUrl: string | undefined, database: Database): Promise<Backend> {
  const client = await database.pool.connect();
  try {
    await runMigrations(client);
  } finally {
    client.release();
  }
  const classes = withBackend(createPostgresBackend);
  const own = databaseUrl ? newQueuePool(databaseUrl, CONNECTIONS) : undefined;
  const connection = own ?? database.pool;
  return {
    place: 'in the database',
    newQueue: (name) => new classes.Queue(name, { connection }),
    newWorker: (name, run, concurrency) => {
      if (own) own.options.max++;
      return new classes.Worker<Job['data']>(name, (job) => run(job.data), { connection, concurrency, ...LOCKS });
    },
    abandonWorkers: () => undefined,
    // What an abandoned worker still holds goes with the process.
    close: async () => own && withDeadline(own.end()).catch(() => undefined),
  };
}

async function withDeadline<T>(promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`The queue did not answer within ${DEADLINE_MS} ms`)), DEADLINE_MS);
  });
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    clearTimeout(timer);
    // The loser of the race may still fail later; by then nobody listens.
    promise.catch(() => undefined);
  }
}
