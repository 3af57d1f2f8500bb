import { Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { ApplicationsModule } from '../applications/applications.module.js';
import { DevicesModule } from '../devices/devices.module.js';
import { IndexKeeper } from '../devices/index-keeper.js';
import { TokenKeeper } from '../devices/token-keeper.js';
import { ProvidersModule } from '../providers/providers.module.js';
import { BatchRepository } from './batch.repository.js';
import { ClaimRepository } from './deliver/claim.repository.js';
import { ClaimService } from './deliver/claim.service.js';
import { ConsequencesService } from './deliver/consequences.service.js';
import { DeliverProcessor } from './deliver/deliver.processor.js';
import { DeliverService } from './deliver/deliver.service.js';
import { DeliveryQueue } from './delivery.queue.js';
import { UrgentBatchRepository } from './deliver/urgent-batch.repository.js';
import { ExpandProcessor } from './expand/expand.processor.js';
import { ExpandService } from './expand/expand.service.js';
import { ExpansionRepository } from './expand/expansion.repository.js';
import { Housekeeper } from './upkeep/housekeeper.js';
import { MessageRateRepository } from './expand/message-rate.repository.js';
import { PaceRepository } from './deliver/pace.repository.js';
import { PaceService } from './deliver/pace.service.js';
import { ReachRepository } from './expand/reach.repository.js';
import { Recall } from './deliver/recall.js';
import { ReceiptTokens } from './deliver/receipt-tokens.js';
import { RecipientsService } from './deliver/recipients.service.js';
import { ResendRepository } from './expand/resend.repository.js';
import { RemovalGuard } from './upkeep/removal-guard.js';
import { RemovalRepository } from './upkeep/removal.repository.js';
import { RetentionRepository } from './upkeep/retention.repository.js';
import { Senders } from './deliver/senders.js';
import { StatusReporter } from './deliver/status-reporter.js';
import { SweepRepository } from './upkeep/sweep.repository.js';
import { ScheduledRepository } from './upkeep/scheduled.repository.js';
import { Sweeper } from './upkeep/sweeper.js';
import { ValuesRepository } from './deliver/values.repository.js';

/** The providers that accepting a message needs. */
@Module({
  providers: [BatchRepository, DeliveryQueue, MessageRateRepository, ReachRepository],
  exports: [BatchRepository, DeliveryQueue, MessageRateRepository, ReachRepository],
})
export class DeliveryModule {}

/** The role `worker`. */
@Module({
  imports: [ApplicationsModule, DeliveryModule, DevicesModule, ProvidersModule],
  providers: [
    ClaimRepository,
    ClaimService,
    ConsequencesService,
    DeliverProcessor,
    DeliverService,
    UrgentBatchRepository,
    ExpandProcessor,
    ExpandService,
    ExpansionRepository,
    PaceRepository,
    PaceService,
    Recall,
    ReceiptTokens,
    RecipientsService,
    ResendRepository,
    Senders,
    StatusReporter,
    ValuesRepository,
  ],
})
export class WorkerModule {}

/** The role `scheduler`. */
@Module({
  imports: [ApplicationsModule, DeliveryModule, DevicesModule, ProvidersModule, ScheduleModule.forRoot()],
  providers: [
    Housekeeper,
    IndexKeeper,
    RemovalGuard,
    RemovalRepository,
    RetentionRepository,
    ScheduledRepository,
    Sweeper,
    SweepRepository,
    TokenKeeper,
  ],
  exports: [RemovalGuard],
})
export class SchedulerModule {}
