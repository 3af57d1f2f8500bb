import { Module } from '@nestjs/common';
import { ProvidersModule } from '../providers/providers.module.js';
import { AllowedOrigins } from './allowed-origins.js';
import { ApplicationRemovalRepository } from './application-removal.repository.js';
import { ApplicationRepository } from './application.repository.js';
import { ApplicationsService } from './applications.service.js';
import { LeaseRepository } from './lease.repository.js';
import { ProviderStatusRepository } from './provider-status.repository.js';
import { ProviderSettingRepository } from './provider-setting.repository.js';
import { ReceiptKeys } from './receipt-keys.js';
import { SettingsService } from './settings.service.js';
import { SettingsTestService } from './settings-test.service.js';
import { SharedTokenRepository } from './shared-token.repository.js';

/** Applications and their settings, for every role; the controllers are in AppModule's list of the api role. */
@Module({
  imports: [ProvidersModule],
  providers: [
    AllowedOrigins,
    ApplicationRemovalRepository,
    ApplicationRepository,
    ApplicationsService,
    LeaseRepository,
    ProviderSettingRepository,
    ProviderStatusRepository,
    ReceiptKeys,
    SettingsService,
    SettingsTestService,
    SharedTokenRepository,
  ],
  exports: [
    AllowedOrigins,
    ApplicationRemovalRepository,
    ApplicationsService,
    LeaseRepository,
    ProviderSettingRepository,
    ProviderStatusRepository,
    ReceiptKeys,
    SettingsService,
    SettingsTestService,
    SharedTokenRepository,
  ],
})
export class ApplicationsModule {}
