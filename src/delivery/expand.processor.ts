import { Injectable } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { Queues } from '../queue/queue.js';
import { ExpandService } from './expand.service.js';

/** Expansions of one process at once; each is a row of short transactions. */
const CONCURRENCY = 2;

/** The worker of the queue `expand`. */
@Injectable()
export class ExpandProcessor implements OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(
    private readonly queues: Queues,
    private readonly expand: ExpandService,
  ) {}

  onApplicationBootstrap(): void {
    this.queues.work('expand', CONCURRENCY, (data) => this.expand.expandMessage(data.id));
  }

  beforeApplicationShutdown(): void {
    this.expand.stop();
  }
}
