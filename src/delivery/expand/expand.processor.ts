import { Injectable } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { DatabaseWatch } from '../../database/database-watch.js';
import { Queues } from '../../queue/queue.js';
import { DeliveryQueue } from '../delivery.queue.js';
import { ExpandService } from './expand.service.js';

/** Concurrent expansions of a process; each is a series of short transactions. */
const CONCURRENCY = 2;

/** The worker of the queue `expand`. */
@Injectable()
export class ExpandProcessor implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private stopped = false;

  constructor(
    private readonly queues: Queues,
    private readonly expand: ExpandService,
    private readonly queue: DeliveryQueue,
    private readonly watch: DatabaseWatch,
  ) {}

  onApplicationBootstrap(): void {
    this.queues.work('expand', CONCURRENCY, (data) => {
      // The sweeper queues the message again. With a wrong clock, a message could expire or lose its rate.
      if (!this.watch.isClockUsable) throw new Error('The clock is wrong: nothing is expanded');
      return this.expandMessage(data.id);
    });
  }

  /** Ends after the current page. */
  beforeApplicationShutdown(): void {
    this.stopped = true;
  }

  private async expandMessage(messageSeq: number): Promise<void> {
    let more = true;
    while (more && !this.stopped) {
      const page = await this.expand.expandPage(messageSeq);
      await this.queue.enqueueBatches(page.promoted);
      more = page.more;
    }
  }
}
