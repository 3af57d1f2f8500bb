import { Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { ApplicationsModule } from '../applications/applications.module.js';
import { DevicesModule } from '../devices/devices.module.js';
import { TokenKeeper } from '../devices/token-keeper.js';
import { ProvidersModule } from '../providers/providers.module.js';
import { BatchRepository } from './batch.repository.js';
import { ClaimRepository } from './claim.repository.js';
import { ConsequencesService } from './consequences.service.js';
import { DeliverProcessor } from './deliver.processor.js';
import { DeliverService } from './deliver.service.js';
import { DeliveryQueue } from './delivery.queue.js';
import { DirectBatchRepository } from './direct-batch.repository.js';
import { ExpandProcessor } from './expand.processor.js';
import { ExpandService } from './expand.service.js';
import { ExpansionRepository } from './expansion.repository.js';
import { Housekeeper } from './housekeeper.js';
import { MessageRateRepository } from './message-rate.repository.js';
import { PaceRepository } from './pace.repository.js';
import { ReachRepository } from './reach.repository.js';
import { Recall } from './recall.js';
import { RecipientsService } from './recipients.service.js';
import { ResendRepository } from './resend.repository.js';
import { RemovalGuard } from './removal-guard.js';
import { RemovalRepository } from './removal.repository.js';
import { RetentionRepository } from './retention.repository.js';
import { Senders } from './senders.js';
import { SharedTokenRepository } from './shared-token.repository.js';
import { StatusReporter } from './status-reporter.js';
import { SweepRepository } from './sweep.repository.js';
import { ScheduledRepository } from './scheduled.repository.js';
import { Sweeper } from './sweeper.js';
import { ValuesRepository } from './values.repository.js';

/** What accepting a message needs. */
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
    ConsequencesService,
    DeliverProcessor,
    DeliverService,
    DirectBatchRepository,
    ExpandProcessor,
    ExpandService,
    ExpansionRepository,
    PaceRepository,
    Recall,
    RecipientsService,
    ResendRepository,
    Senders,
    SharedTokenRepository,
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
