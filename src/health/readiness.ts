import { Injectable } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnModuleDestroy } from '@nestjs/common';

/** Not ready from the moment a stop is asked for, so that a load balancer looks elsewhere while the process drains. */
@Injectable()
export class Readiness implements OnModuleDestroy, BeforeApplicationShutdown {
  accepting = true;

  onModuleDestroy(): void {
    this.accepting = false;
  }

  beforeApplicationShutdown(): void {
    this.accepting = false;
  }
}
