import { createHash } from 'node:crypto';
import { PROVIDER_NAMES } from '../providers/provider.js';
import type { ProviderName } from '../providers/provider.js';

/**
 * The job catalog. A job contains only ids, so that the queue holds no text, token or key, and the loss of the queue
 * loses nothing. The job's id prevents a second job while the first waits; if two jobs have the same batch, one finds
 * it claimed. New fields must be optional for one release, because jobs of the previous release are still queued.
 */

/**
 * Urgent messages (device or user ids) have queues and workers of their own: a one-time code does not wait for a
 * campaign.
 */
export const LANES = ['urgent', 'broadcast'] as const;
export type Lane = (typeof LANES)[number];

export type QueueName = 'expand' | `deliver-${ProviderName}` | `deliver-${ProviderName}-direct`;

/** A pair of queues per provider: a slow provider delays only itself. */
export const QUEUE_NAMES: readonly QueueName[] = [
  'expand',
  ...PROVIDER_NAMES.flatMap((provider) => LANES.map((lane) => deliverQueue(provider, lane))),
];

export interface JobData {
  /** A message's seq (expand) or a batch's id (deliver). */
  id: number;
  /** Further batches of the same job. */
  more?: number[];
  /** Urgent batches: the application of each, in the order of `id` and `more`. */
  applications?: string[];
}

export interface Job {
  /** Without ":", which BullMQ reserves. */
  id: string;
  data: JobData;
  /** BullMQ runs jobs without priority first, then by ascending number. */
  priority?: number;
  delayMs?: number;
}

/**
 * The last rank of a window (delivery/batch.repository.ts), for repeated broadcast batches: a retry does not precede
 * another application's first attempt.
 */
export const LAST_RANK = 64;

export function deliverQueue(provider: ProviderName, lane: Lane): QueueName {
  // Workers of releases before 2026-11-29 read the urgent lane under this name.
  return lane === 'urgent' ? `deliver-${provider}-direct` : `deliver-${provider}`;
}

/** `late`: the number of earlier jobs of the same message without effect. */
export function expandJob(messageSeq: number, late = 0): Job {
  return { id: `message-${messageSeq}${lateName(late)}`, data: { id: messageSeq } };
}

export interface JobBatch {
  id: number;
  epoch: number;
  urgent: boolean;
  applicationId: string;
  rank?: number;
  late?: number;
}

/** The epoch identifies the attempt: the next attempt of a batch is another job than the current one. */
export function deliverJob(batch: JobBatch, delayMs?: number): Job {
  return {
    id: `batch-${batch.id}-${batch.epoch}${lateName(batch.late ?? 0)}`,
    data: batch.urgent ? { id: batch.id, applications: [batch.applicationId] } : { id: batch.id },
    priority: batch.rank ?? (batch.urgent ? undefined : LAST_RANK),
    // BullMQ on PostgreSQL accepts only whole milliseconds.
    delayMs: delayMs === undefined ? undefined : Math.ceil(delayMs),
  };
}

function lateName(late: number): string {
  return late === 0 ? '' : `-late-${late}`;
}

/**
 * Urgent batches per job. Most have one request, and a job costs the queue as much as one of a thousand. The worker
 * claims them in one statement and is done with the job then (delivery/deliver/urgent-lane.ts).
 */
const URGENT_PER_JOB = 32;

/** Jobs for urgent batches that may be delivered at once; those of one job have one rank. */
export function urgentJobs(batches: readonly JobBatch[]): Job[] {
  const byRank = new Map<number | undefined, JobBatch[]>();
  for (const batch of batches) {
    const same = byRank.get(batch.rank);
    if (same) same.push(batch);
    else byRank.set(batch.rank, [batch]);
  }
  return [...byRank.values()].flatMap(jobsOfRank);
}

function jobsOfRank(batches: readonly JobBatch[]): Job[] {
  const jobs: Job[] = [];
  for (let from = 0; from < batches.length; from += URGENT_PER_JOB) {
    const lot = batches.slice(from, from + URGENT_PER_JOB);
    const [first, ...more] = lot;
    if (!first) break;
    const job = deliverJob(first);
    if (more.length === 0) jobs.push(job);
    // The name stands for all ids: another group with some of them is another job, and the second job finds them
    // claimed.
    else
      jobs.push({
        ...job,
        id: `${job.id}-and-${nameOf(more)}`,
        data: {
          id: first.id,
          more: more.map(({ id }) => id),
          applications: lot.map(({ applicationId }) => applicationId),
        },
      });
  }
  return jobs;
}

function nameOf(batches: readonly JobBatch[]): string {
  const ids = batches.map((batch) => deliverJob(batch).id).join();
  return createHash('sha256').update(ids).digest('base64url');
}
