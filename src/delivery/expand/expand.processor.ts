import { Injectable } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { DatabaseWatch } from '../../database/database-watch.js';
import { Queues } from '../../queue/queue.js';
import { ExpandService } from './expand.service.js';

/** Expansions of one process at once; each is a row of short transactions. */
const CONCURRENCY = 2;

/** The worker of the queue `expand`. */
@Injectable()
export class ExpandProcessor implements OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(
    private readonly queues: Queues,
    private readonly expand: ExpandService,
    private readonly watch: DatabaseWatch,
  ) {}

  onApplicationBootstrap(): void {
    this.queues.work('expand', CONCURRENCY, (data) => {
      // The sweeper brings the message again. What has ended by a wrong clock would be cut without its rate.
      if (!this.watch.isClockUsable) throw new Error('The clock is wrong: nothing is expanded');
      return this.expand.expandMessage(data.id);
    });
  }

  beforeApplicationShutdown(): void {
    this.expand.stop();
  }
}
