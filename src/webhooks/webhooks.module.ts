import { Module } from '@nestjs/common';
import { ApplicationsModule } from '../applications/applications.module.js';
import { SchedulerModule } from '../delivery/delivery.module.js';
import { WebhookClient } from './webhook-client.js';
import { WebhookEventRepository } from './webhook-event.repository.js';
import { WebhookHousekeeper } from './webhook-housekeeper.js';
import { WebhookReplayRepository } from './webhook-replay.repository.js';
import { WebhookRepository } from './webhook.repository.js';
import { WebhookSender } from './webhook-sender.js';
import { WebhooksService } from './webhooks.service.js';

/** For the api role: registers webhooks. */
@Module({
  imports: [ApplicationsModule],
  providers: [WebhookClient, WebhookReplayRepository, WebhookRepository, WebhooksService],
  exports: [WebhooksService],
})
export class WebhooksModule {}

/** For the worker role: delivers events. */
@Module({ providers: [WebhookClient, WebhookEventRepository, WebhookSender] })
export class WebhookDeliveryModule {}

/** For the scheduler role: removes old events. */
@Module({ imports: [SchedulerModule], providers: [WebhookHousekeeper, WebhookReplayRepository] })
export class WebhookHousekeepingModule {}
