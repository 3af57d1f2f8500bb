import { PROVIDER_NAMES } from '../providers/provider.js';
import type { ProviderName } from '../providers/provider.js';

/**
 * The job catalog. A job carries ids only, so that the queue holds no text, token or key, and losing it loses nothing.
 * Its id makes adding it twice harmless while it waits. History: fields added here must be optional for one release,
 * because jobs queued by the release before are still about.
 */

/** Direct messages (device or user ids) have queues and workers of their own: a one-time code does not wait for a campaign. */
export const LANES = ['direct', 'broadcast'] as const;
export type Lane = (typeof LANES)[number];

export type QueueName = 'expand' | `deliver-${ProviderName}` | `deliver-${ProviderName}-direct`;

/** A pair of queues per provider: a slow provider delays only itself. */
export const QUEUE_NAMES: readonly QueueName[] = [
  'expand',
  ...PROVIDER_NAMES.flatMap((provider) => LANES.map((lane) => deliverQueue(provider, lane))),
];

export interface Job {
  /** Without ":", which BullMQ keeps for itself. */
  id: string;
  /** A message's seq (expand) or a batch's id (deliver). */
  data: { id: number };
  /** BullMQ takes jobs without priority first, then the lowest number. */
  priority?: number;
  delayMs?: number;
}

/** Of broadcast batches that come again: a retry does not go before another application's first attempt. */
const LAST_RANK = 64;

export function deliverQueue(provider: ProviderName, lane: Lane): QueueName {
  return lane === 'direct' ? `deliver-${provider}-direct` : `deliver-${provider}`;
}

export function expandJob(messageSeq: number): Job {
  return { id: `message-${messageSeq}`, data: { id: messageSeq } };
}

/** The epoch names the attempt: a batch that was tried and waits again is another job than the one being worked on. */
export function deliverJob(
  batch: { id: number; epoch: number; direct: boolean; rank?: number },
  delayMs?: number,
): Job {
  return {
    id: `batch-${batch.id}-${batch.epoch}`,
    data: { id: batch.id },
    priority: batch.direct ? undefined : (batch.rank ?? LAST_RANK),
    // BullMQ on PostgreSQL takes whole milliseconds only.
    delayMs: delayMs === undefined ? undefined : Math.ceil(delayMs),
  };
}
