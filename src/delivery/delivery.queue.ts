import { Injectable } from '@nestjs/common';
import { deliverJob, deliverQueue, urgentJobs, expandJob } from '../queue/jobs.js';
import type { Job, QueueName } from '../queue/jobs.js';
import { Queues } from '../queue/queue.js';
import type { QueuedBatch } from './batch.js';
import { UrgentShare } from './urgent-share.js';

/** Adds jobs for rows that want work. Adding may fail: the rows are committed, and the sweeper adds the jobs again. */
@Injectable()
export class DeliveryQueue {
  private readonly share = new UrgentShare();

  constructor(private readonly queues: Queues) {}

  async enqueueExpansions(messageSeqs: readonly number[]): Promise<void> {
    await this.enqueueLate(messageSeqs.map((seq) => ({ seq, late: 0 })));
  }

  async enqueueLate(messages: readonly { seq: number; late: number }[]): Promise<void> {
    if (messages.length === 0) return;
    await this.add(
      'expand',
      messages.map(({ seq, late }) => expandJob(seq, late)),
    );
  }

  async enqueueBatches(batches: readonly QueuedBatch[], delayMs?: number): Promise<void> {
    const byQueue = new Map<QueueName, QueuedBatch[]>();
    for (const batch of batches) {
      const queue = deliverQueue(batch.provider, batch.urgent ? 'urgent' : 'broadcast');
      const list = byQueue.get(queue);
      if (list) list.push(batch);
      else byQueue.set(queue, [batch]);
    }
    const jobsOf = (list: readonly QueuedBatch[]): Job[] =>
      list[0]?.urgent && delayMs === undefined && list.every((batch) => batch.delayMs === undefined)
        ? urgentJobs(this.ranked(list))
        : list.map((batch) => deliverJob(batch, batch.delayMs ?? delayMs));
    await Promise.all([...byQueue].map(([queue, list]) => this.add(queue, jobsOf(list))));
  }

  private ranked(list: readonly QueuedBatch[]): QueuedBatch[] {
    const now = performance.now();
    return list.map((batch) => ({ ...batch, rank: this.share.rankNext(batch.applicationId, now) }));
  }

  private async add(queue: QueueName, jobs: readonly Job[]): Promise<void> {
    // The queue tells of its outages.
    await this.queues.add(queue, jobs).catch(() => undefined);
  }
}
