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

type Fetching = { moveToActive(token: string, name?: string): Promise<Job<JobData>> };

/**
 * After any refusal except a lost connection (a read-only or full Redis, a changed password, a revoked grant, a dropped
 * schema) BullMQ requests the next job in the same turn: the loop then uses a whole core, and timers, signals and
 * requests are not served. With this function a refusal causes a pause, which grows until a job can be requested again.
 */
export function pauseOnRefusal<W extends { once(event: 'closing', listener: () => void): unknown }>(worker: W): W {
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
