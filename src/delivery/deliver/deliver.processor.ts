import { Inject, Injectable } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { CONFIG } from '../../common/tokens.js';
import type { Config } from '../../config.js';
import { PROVIDER_NAMES } from '../../providers/provider.js';
import { LANES, deliverQueue } from '../../queue/jobs.js';
import { Queues } from '../../queue/queue.js';
import { DeliverService } from './deliver.service.js';

/**
 * Jobs of urgent batches that one process works on at once, per provider, each of up to eight batches side by side
 * (queue/jobs.ts): up to 256 batches. Most batches are one request and wait for the provider's answer: at 40 ms, one
 * batch per job gives 800 messages a second and eight give 6,400.
 */
const URGENT_AT_ONCE = 32;

/** The workers of the deliver queues: per provider one for urgent messages and one for broadcasts. */
@Injectable()
export class DeliverProcessor implements OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly queues: Queues,
    private readonly deliver: DeliverService,
  ) {}

  onApplicationBootstrap(): void {
    const atOnce = { urgent: URGENT_AT_ONCE, broadcast: this.config.batchesAtOnce };
    for (const provider of PROVIDER_NAMES)
      for (const lane of LANES)
        this.queues.work(deliverQueue(provider, lane), atOnce[lane], (data) =>
          this.deliver.deliverBatches([data.id, ...(data.more ?? [])], provider, lane),
        );
  }

  /** Recalls unwritten deliveries and waits for the answers to written ones (start.ts limits the wait). */
  beforeApplicationShutdown(): Promise<void> {
    this.deliver.stopSending();
    return this.queues.stopWorkers();
  }
}
