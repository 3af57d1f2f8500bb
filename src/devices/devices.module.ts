import { Module } from '@nestjs/common';
import { ApplicationsModule } from '../applications/applications.module.js';
import { AudienceRepository } from './audience.repository.js';
import { DeviceRetentionRepository } from './device-retention.repository.js';
import { DeviceRepository } from './device.repository.js';
import { DevicesService } from './devices.service.js';
import { RegisteredRepository } from './registered.repository.js';
import { SubscriptionRepository } from './subscription.repository.js';
import { SubscriptionsService } from './subscriptions.service.js';
import { TagRepository } from './tag.repository.js';

@Module({
  imports: [ApplicationsModule],
  providers: [
    AudienceRepository,
    DeviceRepository,
    DeviceRetentionRepository,
    DevicesService,
    RegisteredRepository,
    SubscriptionRepository,
    SubscriptionsService,
    TagRepository,
  ],
  exports: [
    AudienceRepository,
    DeviceRepository,
    DeviceRetentionRepository,
    DevicesService,
    RegisteredRepository,
    SubscriptionsService,
  ],
})
export class DevicesModule {}
