import { Module } from '@nestjs/common';
import { ApplicationsModule } from '../applications/applications.module.js';
import { WebhookEventRepository } from './webhook-event.repository.js';
import { WebhookRepository } from './webhook.repository.js';
import { WebhookSender } from './webhook-sender.js';
import { WebhooksService } from './webhooks.service.js';

/** For the api role: registers webhooks. */
@Module({
  imports: [ApplicationsModule],
  providers: [WebhookRepository, WebhooksService],
  exports: [WebhooksService],
})
export class WebhooksModule {}

/** For the worker role: delivers events. */
@Module({ providers: [WebhookEventRepository, WebhookSender] })
export class WebhookDeliveryModule {}
