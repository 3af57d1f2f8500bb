import { Module } from '@nestjs/common';
import { ApplicationsModule } from '../applications/applications.module.js';
import { DeliveryModule } from '../delivery/delivery.module.js';
import { DevicesModule } from '../devices/devices.module.js';
import { LimitsModule } from '../limits/limits.module.js';
import { ProvidersModule } from '../providers/providers.module.js';
import { AudienceService } from './audience.service.js';
import { BulkService } from './bulk.service.js';
import { DeliveryReportRepository } from './delivery-report.repository.js';
import { DryRunRepository } from './dry-run.repository.js';
import { DryRunService } from './dry-run.service.js';
import { MessageControlRepository } from './message-control.repository.js';
import { MessageControlService } from './message-control.service.js';
import { MessageWriter } from './message-writer.js';
import { MessageRepository } from './message.repository.js';
import { MessagesService } from './messages.service.js';
import { PlantedMessages } from './planted-messages.repository.js';
import { RecipientRepository } from './recipient.repository.js';
import { ReportRepository } from './report.repository.js';
import { ReportsService } from './reports.service.js';
import { ResendService } from './resend.service.js';
import { RoutingService } from './routing.service.js';

@Module({
  imports: [ApplicationsModule, DeliveryModule, DevicesModule, LimitsModule, ProvidersModule],
  providers: [
    AudienceService,
    BulkService,
    DeliveryReportRepository,
    DryRunRepository,
    DryRunService,
    MessageControlRepository,
    MessageControlService,
    MessageRepository,
    MessageWriter,
    MessagesService,
    PlantedMessages,
    RecipientRepository,
    ReportRepository,
    ReportsService,
    ResendService,
    RoutingService,
  ],
  exports: [
    AudienceService,
    BulkService,
    DryRunRepository,
    DryRunService,
    MessageControlRepository,
    MessageControlService,
    MessageRepository,
    MessagesService,
    PlantedMessages,
    ReportsService,
    ResendService,
  ],
})
export class MessagesModule {}
