import { Module } from '@nestjs/common';
import { ApplicationsModule } from '../applications/applications.module.js';
import { DeliveryModule } from '../delivery/delivery.module.js';
import { DevicesModule } from '../devices/devices.module.js';
import { ProvidersModule } from '../providers/providers.module.js';
import { MessageControlRepository } from './message-control.repository.js';
import { MessageControlService } from './message-control.service.js';
import { MessageRepository } from './message.repository.js';
import { RoutingService } from './routing.service.js';
import { ResendService } from './resend.service.js';
import { MessagesService } from './messages.service.js';

@Module({
  imports: [ApplicationsModule, DeliveryModule, DevicesModule, ProvidersModule],
  providers: [
    MessageControlRepository,
    MessageControlService,
    MessageRepository,
    MessagesService,
    ResendService,
    RoutingService,
  ],
  exports: [MessageControlRepository, MessageControlService, MessageRepository, MessagesService, ResendService],
})
export class MessagesModule {}
