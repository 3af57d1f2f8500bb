import { setTimeout as delay } from 'node:timers/promises';
import type { JobsOptions } from 'bullmq';
import { withDeadline } from '../common/deadline.js';
import { StartError } from '../common/start-error.js';
import type { Config } from '../config.js';
import type { Database } from '../database/database.js';
import type { Backend, QueueLike } from './backend.js';
import { openInDatabase } from './in-database.js';
import { QUEUE_NAMES } from './jobs.js';
import type { Job, QueueName } from './jobs.js';
import { openRedis } from './redis.js';
import type { SharedCount } from './shared-counter.js';
import { SteadyWorker } from './steady-worker.js';

/** No caller waits longer for the queue: the rows are committed, and the sweeper will queue them. */
export const DEADLINE_MS = 2_000;

/** For the queues' connections and BullMQ's check of its tables or version. */
const START_MS = 10_000;

/** The time, after its last job, in which a stopping worker may report to the queue. */
const LEAVE_DEADLINE_MS = 1_000;

const JOB_DEFAULTS: JobsOptions = {
  // Jobs are only hints that a row needs work. The rows have all information about finished and failed jobs.
  removeOnComplete: true,
  removeOnFail: true,
  // At once and without a delay: BullMQ computes its end by this host's clock, and until then no job of the same name
  // is accepted. A job that fails three times is queued again by the sweeper.
  attempts: 3,
};

/** A queue and its jobs. */
export interface QueueDepth {
  name: QueueName;
  waiting: number;
  active: number;
  delayed: number;
}

const JOB_STATES = ['waiting', 'prioritized', 'active', 'delayed'] as const;

/** The queues of this process: adding jobs, and running them if the role does so. */
export class Queues {
  private readonly queues = new Map<QueueName, QueueLike>();
  private readonly workers: SteadyWorker[] = [];
  private jobsUnderWay = 0;

  private constructor(
    private readonly backend: Backend,
    private readonly epoch: string,
    private readonly onError: (error: Error) => void,
  ) {}

  static async open(
    config: Partial<Pick<Config, 'queueUrl' | 'queuePrefix'>>,
    database: Database,
    onError: (error: Error) => void,
  ): Promise<Queues> {
    const backend = config.queueUrl
      ? await openRedis(config.queueUrl, config.queuePrefix, onError)
      : await openInDatabase(database);
    const queues = new Queues(backend, database.epoch, onError);
    for (const name of QUEUE_NAMES) {
      const queue = backend.newQueue(name);
      queue.on('error', onError);
      queues.queues.set(name, queue);
    }
    try {
      // A queue object that was refused at first stays refused.
      const ready = Promise.all([...queues.queues.values()].map((queue) => queue.waitUntilReady()));
      await withDeadline('The queue', START_MS, ready);
    } catch (error) {
      await queues.close();
      throw new StartError(`The queue cannot be used (${backend.place})`, error);
    }
    return queues;
  }

  /** The place of the queue for logs, without credentials. */
  get place(): string {
    return this.backend.place;
  }

  /** Adds jobs to one queue. Rejects within 2 s if the queue is unavailable; nothing is lost then. */
  async add(name: QueueName, jobs: readonly Job[]): Promise<void> {
    if (jobs.length === 0) return;
    const added = this.queue(name).addBulk(
      jobs.map((job) => ({
        name,
        data: job.data,
        // With the epoch, a job from before a restore of the database differs from the job of the same row afterwards.
        opts: { ...JOB_DEFAULTS, jobId: `${this.epoch}-${job.id}`, priority: job.priority, delay: job.delayMs },
      })),
    );
    try {
      await withDeadline('The queue', DEADLINE_MS, added);
    } catch (error) {
      this.onError(error as Error);
      throw error;
    }
  }

  /** Rejects if the queue is unreachable or refuses writes. */
  async ping(): Promise<void> {
    await withDeadline('The queue', DEADLINE_MS, this.backend.probe());
  }

  /** The jobs of each queue. Rejects within 2 s if the queue is unavailable. */
  async depths(): Promise<QueueDepth[]> {
    const asked = [...this.queues].map(async ([name, queue]) => {
      const { waiting = 0, prioritized = 0, active = 0, delayed = 0 } = await queue.getJobCounts(...JOB_STATES);
      return { name, waiting: waiting + prioritized, active, delayed };
    });
    return withDeadline('The queue', DEADLINE_MS, Promise.all(asked));
  }

  /** Adds to a count shared by all processes (queue/backend.ts). Rejects within 2 s if the queue is unavailable. */
  count(name: string, by: number, windowMs: number): Promise<SharedCount | null> {
    return withDeadline('The queue', DEADLINE_MS, this.backend.count(name, by, windowMs));
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
    this.workers.push(new SteadyWorker(() => this.backend.newWorker(name, counted, concurrency), this.onError));
  }

  /** Accepts no more jobs and waits for current ones, but not for an unavailable queue. */
  async stopWorkers(): Promise<void> {
    const closed = Promise.all(this.workers.splice(0).map((worker) => worker.close())).then(() => true);
    // While Redis is unavailable a worker waits to report that a job is done. The rows already have the result.
    while (!(await Promise.race([closed, delay(LEAVE_DEADLINE_MS, false, { ref: false })])))
      if (this.jobsUnderWay === 0) return this.backend.abandonWorkers();
  }

  async close(): Promise<void> {
    await this.stopWorkers();
    await Promise.all(
      [...this.queues.values()].map((queue) =>
        withDeadline('The queue', DEADLINE_MS, queue.close()).catch(this.onError),
      ),
    );
    await this.backend.close();
  }

  private queue(name: QueueName): QueueLike {
    const queue = this.queues.get(name);
    if (!queue) throw new Error(`No queue ${name}`);
    return queue;
  }
}
