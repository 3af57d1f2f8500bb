import { Inject, Injectable } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { CONFIG } from '../../common/tokens.js';
import type { Config } from '../../config.js';
import { PROVIDER_NAMES } from '../../providers/provider.js';
import { deliverQueue } from '../../queue/jobs.js';
import { Queues } from '../../queue/queue.js';
import { DeliverService } from './deliver.service.js';
import { UrgentLane } from './urgent-lane.js';

/**
 * Jobs of urgent batches that one process has at once, per provider. A job that waits for a place in the lane has left
 * the order of the queue, so few may wait: a one-time code waits for 128 batches at most.
 */
const URGENT_AT_ONCE = 4;

/** The workers of the deliver queues: per provider one for urgent messages and one for broadcasts. */
@Injectable()
export class DeliverProcessor implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly lanes: UrgentLane[] = [];

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly queues: Queues,
    private readonly deliver: DeliverService,
  ) {}

  onApplicationBootstrap(): void {
    for (const provider of PROVIDER_NAMES) {
      const lane = new UrgentLane(provider, this.deliver);
      this.lanes.push(lane);
      this.queues.work(deliverQueue(provider, 'urgent'), URGENT_AT_ONCE, ({ id, more = [] }) =>
        lane.take([id, ...more]),
      );
      this.queues.work(deliverQueue(provider, 'broadcast'), this.config.batchesAtOnce, ({ id }) =>
        this.deliver.deliverBatch(id, provider, 'broadcast'),
      );
    }
  }

  /** Recalls unwritten deliveries and waits for the answers to written ones (start.ts limits the wait). */
  async beforeApplicationShutdown(): Promise<void> {
    this.deliver.stopSending();
    await this.queues.stopWorkers();
    await Promise.all(this.lanes.map((lane) => lane.settle()));
  }
}
