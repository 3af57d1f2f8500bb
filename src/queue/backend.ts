import type { JobsOptions } from 'bullmq';
import type { JobData, QueueName } from './jobs.js';
import type { SharedCount } from './shared-counter.js';

/** The interface of both backends of the queue, Redis and the database. */
export interface Backend {
  /** For logs, without credentials. */
  place: string;
  newQueue(name: QueueName): QueueLike;
  newWorker(name: QueueName, run: (data: JobData) => Promise<void>, concurrency: number): WorkerLike;
  /** Rejects if the queue is unreachable or refuses writes. */
  probe(): Promise<unknown>;
  /**
   * Adds to a count shared by all processes, in a window that begins with its first count; null if the queue store has
   * no counts.
   */
  count(name: string, by: number, windowMs: number): Promise<SharedCount | null>;
  /** Ends connections on which workers still wait for an answer; otherwise their close() might never settle. */
  abandonWorkers(): void;
  close(): Promise<void>;
}

/** BullMQ's states of a job that is not done; `prioritized`: waiting, with a priority. */
type JobState = 'waiting' | 'prioritized' | 'active' | 'delayed';

export interface QueueLike {
  addBulk(jobs: { name: string; data: JobData; opts: JobsOptions }[]): Promise<unknown>;
  /** The number of jobs in each of these states. */
  getJobCounts(...states: JobState[]): Promise<Record<string, number>>;
  waitUntilReady(): Promise<unknown>;
  close(): Promise<void>;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

export interface WorkerLike {
  waitUntilReady(): Promise<unknown>;
  /** Settles when the worker is closed. */
  run(): Promise<void>;
  close(force?: boolean): Promise<void>;
  on(event: 'error' | 'failed', listener: (...args: never[]) => void): unknown;
}

/**
 * A killed process leaves its jobs locked, and an existing job cannot be added again: with BullMQ's 30 s for both, the
 * sweeper could not queue its finds for up to a minute. These values match a batch's lease.
 */
export const LOCKS = { lockDuration: 10_000, stalledInterval: 5_000 };
