import { Inject, Injectable } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { CONFIG } from '../common/tokens.js';
import type { Config } from '../config.js';
import { PROVIDER_NAMES } from '../providers/provider.js';
import { deliverQueue } from '../queue/jobs.js';
import { Queues } from '../queue/queue.js';
import { DeliverService } from './deliver.service.js';

/** After this long a shutdown stops writing; what is in flight then has the rest of 10 s for its answers. */
const DRAIN_MS = 5_000;

/** The workers of the deliver queues, one per provider. */
@Injectable()
export class DeliverProcessor implements OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly queues: Queues,
    private readonly deliver: DeliverService,
  ) {}

  onApplicationBootstrap(): void {
    for (const provider of PROVIDER_NAMES)
      this.queues.work(deliverQueue(provider), this.config.batchesAtOnce, (data) =>
        this.deliver.deliverBatch(data.id, provider),
      );
  }

  async beforeApplicationShutdown(): Promise<void> {
    const timer = setTimeout(() => this.deliver.stopSending(), DRAIN_MS);
    await this.queues.stopWorkers();
    clearTimeout(timer);
  }
}
