import { Module } from '@nestjs/common';
import { ApplicationsModule } from '../applications/applications.module.js';
import { DeliveryModule, SchedulerModule } from '../delivery/delivery.module.js';
import { DevicesModule } from '../devices/devices.module.js';
import { LimitsModule } from '../limits/limits.module.js';
import { MessagesModule } from '../messages/messages.module.js';
import { ProvidersModule } from '../providers/providers.module.js';
import { CalendarService } from './calendar.service.js';
import { CampaignApproval } from './campaign-approval.js';
import { CampaignCheck } from './campaign-check.js';
import { CampaignHousekeeper } from './campaign.housekeeper.js';
import { CampaignRepository } from './campaign.repository.js';
import { CampaignScheduler } from './firing/campaign.scheduler.js';
import { CampaignsService } from './campaigns.service.js';
import { PreviewService } from './preview.service.js';
import { FiringRepository } from './firing/firing.repository.js';
import { FiringService } from './firing/firing.service.js';
import { OverlapRepository } from './firing/overlap.repository.js';
import { PlantedCampaigns } from './planted-campaigns.repository.js';
import { ReplanRepository } from './firing/replan.repository.js';
import { ReplanService } from './firing/replan.service.js';
import { RenderService } from './render.service.js';
import { RunRepository } from './run.repository.js';
import { RunsService } from './runs.service.js';
import { SharedClock } from './firing/shared-clock.repository.js';
import { WaveRepository } from './firing/wave.repository.js';
import { WaveService } from './firing/wave.service.js';
import { ZoneRulesRepository } from './schedule/zone-rules.repository.js';

/** For the api role: campaigns, and firings by request. */
@Module({
  imports: [ApplicationsModule, DeliveryModule, DevicesModule, LimitsModule, MessagesModule, ProvidersModule],
  providers: [
    CalendarService,
    CampaignApproval,
    CampaignCheck,
    CampaignRepository,
    CampaignsService,
    PreviewService,
    FiringRepository,
    FiringService,
    OverlapRepository,
    PlantedCampaigns,
    RenderService,
    RunRepository,
    RunsService,
    SharedClock,
    WaveRepository,
    WaveService,
    ZoneRulesRepository,
  ],
  exports: [
    CalendarService,
    CampaignRepository,
    CampaignsService,
    PreviewService,
    FiringService,
    PlantedCampaigns,
    RenderService,
    RunRepository,
    RunsService,
    SharedClock,
    WaveService,
  ],
})
export class CampaignsModule {}

/** For the scheduler role: fires campaigns on time. */
@Module({
  imports: [CampaignsModule, DeliveryModule, SchedulerModule],
  providers: [CampaignHousekeeper, CampaignScheduler, ReplanRepository, ReplanService],
})
export class CampaignSchedulerModule {}
