import { Injectable } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnModuleDestroy } from '@nestjs/common';

/** Not ready as soon as the process is to stop, so that a load balancer uses other processes while this one drains. */
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
