import { setTimeout as delay } from 'node:timers/promises';
import type { Job } from 'bullmq';
import type { WorkerLike } from './backend.js';
import type { JobData } from './jobs.js';

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;

/** The pause after this many consecutive refusals. */
export function pauseAfter(refusals: number): number {
  return Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(refusals, 10));
}

/** A job has thrown: its own fault or that of what it uses, and not of the queue. */
export class JobFailure extends Error {
  constructor(override readonly cause: Error) {
    super(cause.message);
    this.name = 'JobFailure';
  }
}

interface Fetching {
  /** The last request found no job, and the worker waits to be told of one. */
  drained: boolean;
  /** Its jobs are fetched and not yet started. */
  mainLoopQueue: { numQueued(): number } | null;
  moveToActive(token: string, name?: string): Promise<Job<JobData> | undefined>;
}

/** Changes how a worker of BullMQ requests jobs, before it runs. */
export function steady<W extends Closing>(worker: W): W {
  // The pause sees real answers only: a "no job" that was not requested ends no row of refusals.
  return startBeforeFetching(pauseOnRefusal(worker));
}

interface Closing {
  once(event: 'closing', listener: () => void): unknown;
}

/**
 * BullMQ requests jobs one after the other until it has as many as it may run at once, and starts the first one after
 * the last request. In a process that broadcasts, a request takes 10 ms, so the first of 64 jobs waited for 640 ms.
 * With this function the answer is "no job" while a fetched one waits; then BullMQ starts it and requests the next.
 */
function startBeforeFetching<W>(worker: W): W {
  const fetching = worker as unknown as Fetching;
  const fetch = fetching.moveToActive.bind(worker);
  fetching.moveToActive = async (token, name) => {
    // A drained worker was just told of a job, and would not be told again.
    if (!fetching.drained && (fetching.mainLoopQueue?.numQueued() ?? 0) > 0) return undefined;
    return fetch(token, name);
  };
  return worker;
}

/**
 * After any refusal except a lost connection (a read-only or full Redis, a changed password, a revoked grant, a dropped
 * schema) BullMQ requests the next job in the same turn: the loop then uses a whole core, and timers, signals and
 * requests are not served. With this function a refusal causes a pause, which grows until a job can be requested again.
 */
function pauseOnRefusal<W extends Closing>(worker: W): W {
  const fetching = worker as unknown as Fetching;
  const fetch = fetching.moveToActive.bind(worker);
  const closing = new AbortController();
  worker.once('closing', () => closing.abort());
  let refusals = 0;
  fetching.moveToActive = async (token, name) => {
    try {
      const job = await fetch(token, name);
      refusals = 0;
      return job;
    } catch (error) {
      await delay(pauseAfter(refusals++), undefined, { signal: closing.signal }).catch(() => undefined);
      throw error;
    }
  };
  return worker;
}

/**
 * Starts a worker after its queue has answered. A worker refused at its start would keep failing, so the next try uses
 * a new one.
 */
export class SteadyWorker {
  private worker: WorkerLike | undefined;
  private readonly ended = new AbortController();
  private readonly beginning: Promise<void>;

  constructor(
    private readonly newWorker: () => WorkerLike,
    private readonly onError: (error: Error) => void,
  ) {
    this.beginning = this.begin();
  }

  async close(): Promise<void> {
    this.ended.abort();
    // Refused by a worker that has lost its connection.
    await this.worker?.close().catch(this.onError);
    await this.beginning;
  }

  private async begin(): Promise<void> {
    for (let refusals = 0; !this.ended.signal.aborted; refusals++) {
      const worker = this.newWorker();
      worker.on('error', this.onError);
      worker.on('failed', (_job: unknown, error: Error) => this.onError(new JobFailure(error)));
      this.worker = worker;
      try {
        await worker.waitUntilReady();
        // The worker reports its own failures as events.
        void worker.run().catch(this.onError);
        return;
      } catch (error) {
        this.onError(error as Error);
        await worker.close(true).catch(() => undefined);
        await delay(pauseAfter(refusals), undefined, { signal: this.ended.signal }).catch(() => undefined);
      }
    }
  }
}
