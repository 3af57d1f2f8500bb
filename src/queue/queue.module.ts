import { Global, Module } from '@nestjs/common';
import type { DynamicModule, OnApplicationShutdown } from '@nestjs/common';
import { Queues } from './queue.js';

/** Global, so that the queue closes after the modules that use it and before the database. */
@Global()
@Module({})
export class QueueModule implements OnApplicationShutdown {
  constructor(private readonly queues: Queues) {}

  /** `queues` are opened before Nest starts, so that a failure is one clear line. */
  static for(queues: Queues): DynamicModule {
    return { module: QueueModule, providers: [{ provide: Queues, useValue: queues }], exports: [Queues] };
  }

  onApplicationShutdown(): Promise<void> {
    return this.queues.close();
  }
}
