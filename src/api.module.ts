import { Module } from '@nestjs/common';
import { ApnsSettingsController } from './applications/apns-settings.controller.js';
import { ApplicationsController } from './applications/applications.controller.js';
import { ApplicationsModule } from './applications/applications.module.js';
import { GcmSettingsController, LegacySettingsController } from './applications/legacy-settings.controller.js';
import { ProvidersController } from './applications/providers.controller.js';
import { SETTINGS_CONTROLLERS } from './applications/settings.controller.js';
import { SETTINGS_TESTS } from './applications/settings-test.controller.js';
import { AuditModule } from './audit/audit.module.js';
import { AuditLogController } from './auth/audit-log.controller.js';
import { AuthModule } from './auth/auth.module.js';
import { ClientsController } from './auth/clients.controller.js';
import { Departures } from './auth/departures.js';
import { OperationsController } from './auth/operations.controller.js';
import { PLANTED } from './auth/planted.js';
import { TokenController } from './auth/token.controller.js';
import { CalendarController } from './campaigns/calendar.controller.js';
import { ApprovalController } from './campaigns/approval.controller.js';
import { CampaignsController } from './campaigns/campaigns.controller.js';
import { CampaignsModule } from './campaigns/campaigns.module.js';
import { PlantedCampaigns } from './campaigns/planted-campaigns.repository.js';
import { NextFiringsController } from './campaigns/next-firings.controller.js';
import { RenderController } from './campaigns/render.controller.js';
import { RunsController } from './campaigns/runs.controller.js';
import { DeviceTransferController } from './devices/device-transfer.controller.js';
import { DeviceTokensController } from './devices/device-tokens.controller.js';
import { DevicesController } from './devices/devices.controller.js';
import { DevicesModule } from './devices/devices.module.js';
import { SubscriptionsController } from './devices/subscriptions.controller.js';
import { TagsController } from './devices/tags.controller.js';
import { EventsController } from './events/events.controller.js';
import { EventsModule } from './events/events.module.js';
import { HealthModule } from './health/health.module.js';
import { SystemController } from './health/system.controller.js';
import { VersionController } from './health/version.controller.js';
import { DeliveriesController } from './messages/report/deliveries.controller.js';
import { DeviceMessagesController } from './messages/report/device-messages.controller.js';
import { MessageControlController } from './messages/control/message-control.controller.js';
import { MessageReportsController } from './messages/report/message-reports.controller.js';
import { UnderWayController } from './messages/report/under-way.controller.js';
import { AudiencesController } from './messages/send/audiences.controller.js';
import { ReceiptsController } from './messages/receipts/receipts.controller.js';
import { MessagesController } from './messages/send/messages.controller.js';
import { MessagesModule } from './messages/messages.module.js';
import { PlantedMessages } from './messages/control/planted-messages.repository.js';
import { MetricsController } from './metrics/metrics.controller.js';
import { MetricsModule } from './metrics/metrics.module.js';
import { SdkController } from './sdk/sdk.controller.js';
import { StatisticsController } from './statistics/statistics.controller.js';
import { StatisticsModule } from './statistics/statistics.module.js';
import { UsersController } from './users/users.controller.js';
import { UsersModule } from './users/users.module.js';
import { WebhooksController } from './webhooks/webhooks.controller.js';
import { WebhooksModule } from './webhooks/webhooks.module.js';

/** The role `api`: all controllers in one list, so that other roles can use the modules without serving routes. */
@Module({
  imports: [
    AuditModule,
    AuthModule,
    ApplicationsModule,
    CampaignsModule,
    DevicesModule,
    EventsModule,
    HealthModule,
    MessagesModule,
    MetricsModule,
    StatisticsModule,
    UsersModule,
    WebhooksModule,
  ],
  providers: [
    Departures,
    {
      provide: PLANTED,
      // Campaigns first: messages of a campaign that fires meanwhile are then stopped together with the other messages.
      useFactory: (campaigns: PlantedCampaigns, messages: PlantedMessages) => [campaigns, messages],
      inject: [PlantedCampaigns, PlantedMessages],
    },
  ],
  controllers: [
    TokenController,
    ClientsController,
    OperationsController,
    AuditLogController,
    SystemController,
    VersionController,
    MetricsController,
    ApplicationsController,
    ...SETTINGS_CONTROLLERS,
    ApnsSettingsController,
    ...SETTINGS_TESTS,
    GcmSettingsController,
    LegacySettingsController,
    ProvidersController,
    DevicesController,
    DeviceTokensController,
    DeviceTransferController,
    TagsController,
    SubscriptionsController,
    MessagesController,
    AudiencesController,
    MessageReportsController,
    NextFiringsController,
    UnderWayController,
    CampaignsController,
    ApprovalController,
    CalendarController,
    RunsController,
    RenderController,
    MessageControlController,
    DeliveriesController,
    DeviceMessagesController,
    ReceiptsController,
    SdkController,
    StatisticsController,
    UsersController,
    WebhooksController,
    EventsController,
  ],
})
export class ApiModule {}
