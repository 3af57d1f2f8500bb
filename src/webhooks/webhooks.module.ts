import { Module } from '@nestjs/common';
import { ApplicationsModule } from '../applications/applications.module.js';
import { WebhookClient } from './webhook-client.js';
import { WebhookEventRepository } from './webhook-event.repository.js';
import { WebhookRepository } from './webhook.repository.js';
import { WebhookSender } from './webhook-sender.js';
import { WebhooksService } from './webhooks.service.js';

/** For the api role: registers webhooks. */
@Module({
  imports: [ApplicationsModule],
  providers: [WebhookClient, WebhookRepository, WebhooksService],
  exports: [WebhooksService],
})
export class WebhooksModule {}

/** For the worker role: delivers events. */
@Module({ providers: [WebhookClient, WebhookEventRepository, WebhookSender] })
export class WebhookDeliveryModule {}
