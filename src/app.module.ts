import { Module } from '@nestjs/common';
import type { DynamicModule, Type } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core';
import { ApiModule } from './api.module.js';
import { AuditSchedulerModule } from './audit/audit.module.js';
import { CampaignSchedulerModule } from './campaigns/campaigns.module.js';
import { AcceptGuard } from './common/accept.guard.js';
import { CommonModule } from './common/common.module.js';
import { ErrorFilter } from './common/error.filter.js';
import { Vault } from './common/vault.js';
import type { Config } from './config.js';
import { ConsoleModule } from './console/console.module.js';
import type { Database } from './database/database.js';
import { DatabaseModule } from './database/database.module.js';
import { SchedulerModule, WorkerModule } from './delivery/delivery.module.js';
import { EventHousekeepingModule, EventSequencerModule } from './events/events.module.js';
import { HealthModule } from './health/health.module.js';
import { BodyInterceptor } from './http/body.interceptor.js';
import type { Role } from './role.js';
import { StandbyInterceptor } from './http/standby.interceptor.js';
import { MetricsModule } from './metrics/metrics.module.js';
import { QueueModule } from './queue/queue.module.js';
import { Queues } from './queue/queue.js';
import { WebhookDeliveryModule, WebhookHousekeepingModule } from './webhooks/webhooks.module.js';
import { SampleModule } from './sample/sample.module.js';
import { StatisticsSchedulerModule } from './statistics/statistics.module.js';
import { UserSchedulerModule } from './users/users.module.js';

/** Resources opened before Nest starts. */
export interface Resources {
  config: Config;
  database: Database;
  queues: Queues;
  vault: Vault;
}

const ROLE_MODULES: Record<Role, Type[]> = {
  api: [ApiModule],
  worker: [WorkerModule, EventSequencerModule],
  scheduler: [
    SchedulerModule,
    AuditSchedulerModule,
    CampaignSchedulerModule,
    EventHousekeepingModule,
    StatisticsSchedulerModule,
    UserSchedulerModule,
    WebhookHousekeepingModule,
  ],
};

@Module({})
export class AppModule {
  static for({ config, database, queues, vault }: Resources): DynamicModule {
    return {
      module: AppModule,
      imports: [
        CommonModule.for(config, vault),
        DatabaseModule.for(database),
        QueueModule.for(queues),
        HealthModule,
        MetricsModule,
        ...[...config.roles].flatMap((role) => ROLE_MODULES[role]),
        ...(config.roles.has('worker') ? [WebhookDeliveryModule] : []),
        ...(config.hasSamples && config.roles.has('api') ? [SampleModule] : []),
        ...(config.console && config.roles.has('api') ? [ConsoleModule] : []),
      ],
      providers: [
        { provide: APP_FILTER, useClass: ErrorFilter },
        { provide: APP_GUARD, useClass: AcceptGuard },
        { provide: APP_INTERCEPTOR, useClass: BodyInterceptor },
        ...(database.standby ? [{ provide: APP_INTERCEPTOR, useClass: StandbyInterceptor }] : []),
      ],
    };
  }
}
