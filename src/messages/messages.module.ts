import { Module } from '@nestjs/common';
import { ApplicationsModule } from '../applications/applications.module.js';
import { DeliveryModule } from '../delivery/delivery.module.js';
import { DevicesModule } from '../devices/devices.module.js';
import { LimitsModule } from '../limits/limits.module.js';
import { ProvidersModule } from '../providers/providers.module.js';
import { AcceptanceService } from './send/acceptance.service.js';
import { ApprovalsService } from './send/approvals.service.js';
import { AudienceCountService } from './send/audience-count.service.js';
import { AudienceService } from './send/audience.service.js';
import { BulkService } from './send/bulk.service.js';
import { DeliveryReportRepository } from './report/delivery-report.repository.js';
import { DryRunRepository } from './send/dry-run.repository.js';
import { DryRunService } from './send/dry-run.service.js';
import { EstimateRepository } from './send/estimate.repository.js';
import { ApprovalRepository } from './control/approval.repository.js';
import { ApprovalService } from './control/approval.service.js';
import { MessageControlRepository } from './control/message-control.repository.js';
import { MessageControlService } from './control/message-control.service.js';
import { MessageInsertRepository } from './send/message-insert.repository.js';
import { MessageWriter } from './send/message-writer.js';
import { MessageRepository } from './send/message.repository.js';
import { MessagesService } from './send/messages.service.js';
import { PlantedMessages } from './control/planted-messages.repository.js';
import { ReceiptRepository } from './receipts/receipt.repository.js';
import { ReceiptsService } from './receipts/receipts.service.js';
import { RecipientRepository } from './send/recipient.repository.js';
import { ReportRepository } from './report/report.repository.js';
import { ReportsService } from './report/reports.service.js';
import { ResendService } from './control/resend.service.js';
import { RoutingService } from './send/routing.service.js';
import { SavedAudienceRepository } from './send/saved-audience.repository.js';
import { SavedAudiencesService } from './send/saved-audiences.service.js';

@Module({
  imports: [ApplicationsModule, DeliveryModule, DevicesModule, LimitsModule, ProvidersModule],
  providers: [
    AcceptanceService,
    ApprovalsService,
    AudienceCountService,
    AudienceService,
    BulkService,
    DeliveryReportRepository,
    DryRunRepository,
    DryRunService,
    EstimateRepository,
    ApprovalRepository,
    ApprovalService,
    MessageControlRepository,
    MessageControlService,
    MessageInsertRepository,
    MessageRepository,
    MessageWriter,
    MessagesService,
    PlantedMessages,
    ReceiptRepository,
    ReceiptsService,
    RecipientRepository,
    ReportRepository,
    ReportsService,
    ResendService,
    RoutingService,
    SavedAudienceRepository,
    SavedAudiencesService,
  ],
  exports: [
    AcceptanceService,
    AudienceCountService,
    AudienceService,
    BulkService,
    DryRunRepository,
    DryRunService,
    EstimateRepository,
    MessageControlRepository,
    MessageRepository,
    ApprovalService,
    MessageControlService,
    MessageWriter,
    MessagesService,
    PlantedMessages,
    ReceiptsService,
    ReportsService,
    ResendService,
    SavedAudienceRepository,
    SavedAudiencesService,
  ],
})
export class MessagesModule {}
