import { Module } from '@nestjs/common';
import { ApplicationsModule } from '../applications/applications.module.js';
import { LimitsModule } from '../limits/limits.module.js';
import { ProvidersModule } from '../providers/providers.module.js';
import { AudienceRepository } from './audience.repository.js';
import { DeviceQuota } from './device-quota.js';
import { DeviceRegistrationRepository } from './device-registration.repository.js';
import { DeviceRetentionRepository } from './device-retention.repository.js';
import { DeviceSearchRepository } from './device-search.repository.js';
import { DeviceTransferRepository } from './device-transfer.repository.js';
import { DeviceTransferService } from './device-transfer.service.js';
import { DeviceRepository } from './device.repository.js';
import { DevicesService } from './devices.service.js';
import { RegisteredRepository } from './registered.repository.js';
import { RegistrationWriter } from './registration-writer.js';
import { SubscriptionRepository } from './subscription.repository.js';
import { SubscriptionsService } from './subscriptions.service.js';
import { TagRepository } from './tag.repository.js';
import { TagsService } from './tags.service.js';
import { TallyRepository } from './tally.repository.js';
import { TokenPassRepository } from './token-pass.repository.js';

@Module({
  imports: [ApplicationsModule, LimitsModule, ProvidersModule],
  providers: [
    AudienceRepository,
    DeviceQuota,
    DeviceRepository,
    DeviceSearchRepository,
    DeviceTransferRepository,
    DeviceTransferService,
    DeviceRegistrationRepository,
    DeviceRetentionRepository,
    DevicesService,
    RegisteredRepository,
    RegistrationWriter,
    SubscriptionRepository,
    SubscriptionsService,
    TagRepository,
    TagsService,
    TallyRepository,
    TokenPassRepository,
  ],
  exports: [
    AudienceRepository,
    DeviceRepository,
    DeviceRetentionRepository,
    DeviceTransferRepository,
    DeviceTransferService,
    DevicesService,
    RegisteredRepository,
    SubscriptionsService,
    TagsService,
    TallyRepository,
    TokenPassRepository,
  ],
})
export class DevicesModule {}
