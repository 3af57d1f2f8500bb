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
 * Jobs of urgent batches that one process has at once, per provider: 2,048 batches. Those of an application whose share
 * of the lane is used up wait in their job. While they have all of these jobs, other applications wait as well.
 */
const URGENT_AT_ONCE = 64;

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
      this.queues.work(deliverQueue(provider, 'urgent'), URGENT_AT_ONCE, ({ id, more = [], applications = [] }) =>
        lane.take([id, ...more].map((batch, index) => ({ id: batch, applicationId: applications[index] ?? '' }))),
      );
      this.queues.work(deliverQueue(provider, 'broadcast'), this.config.batchesAtOnce, ({ id }) =>
        this.deliver.deliverBatch(id, provider, 'broadcast'),
      );
    }
  }

  /** Recalls unwritten deliveries and waits for the answers to written ones (start.ts limits the wait). */
  async beforeApplicationShutdown(): Promise<void> {
    this.deliver.stopSending();
    for (const lane of this.lanes) lane.stop();
    await this.queues.stopWorkers();
    await Promise.all(this.lanes.map((lane) => lane.settle()));
  }
}
