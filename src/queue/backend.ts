import type { JobsOptions } from 'bullmq';
import type { JobData, QueueName } from './jobs.js';
import type { SharedCount } from './shared-counter.js';

/** The interface of both backends of the queue, Redis and the database. */
export interface Backend {
  /** For people, without credentials. */
  place: string;
  newQueue(name: QueueName): QueueLike;
  newWorker(name: QueueName, run: (data: JobData) => Promise<void>, concurrency: number): WorkerLike;
  /** Rejects when the queue cannot be reached or takes no writes. */
  probe(): Promise<unknown>;
  /**
   * Adds to a count that all processes share, of a window that begins with its first count; null: this queue has none.
   */
  count(name: string, by: number, windowMs: number): Promise<SharedCount | null>;
  /** Lets go of what workers still wait to hear; their close() may never settle. */
  abandonWorkers(): void;
  close(): Promise<void>;
}

export interface QueueLike {
  addBulk(jobs: { name: string; data: JobData; opts: JobsOptions }[]): Promise<unknown>;
  waitUntilReady(): Promise<unknown>;
  close(): Promise<void>;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

export interface WorkerLike {
  waitUntilReady(): Promise<unknown>;
  /** Settles when the worker has been closed. */
  run(): Promise<void>;
  close(force?: boolean): Promise<void>;
  on(event: 'error' | 'failed', listener: (...args: never[]) => void): unknown;
}

/**
 * A killed process leaves its jobs locked, and a job that is there cannot be added again: with BullMQ's 30 s for both,
 * the sweeper was kept for up to a minute from what it had found. As long as a batch's lease.
 */
export const LOCKS = { lockDuration: 10_000, stalledInterval: 5_000 };
