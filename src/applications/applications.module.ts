import { Module } from '@nestjs/common';
import { ProvidersModule } from '../providers/providers.module.js';
import { ApplicationRemovalRepository } from './application-removal.repository.js';
import { ApplicationRepository } from './application.repository.js';
import { ApplicationsService } from './applications.service.js';
import { LeaseRepository } from './lease.repository.js';
import { ProviderStatusRepository } from './provider-status.repository.js';
import { ProviderSettingRepository } from './provider-setting.repository.js';
import { SettingsService } from './settings.service.js';
import { SettingsTestService } from './settings-test.service.js';
import { SharedTokenRepository } from './shared-token.repository.js';

/** Applications and their settings, for every role; the controllers are in AppModule's list of the api role. */
@Module({
  imports: [ProvidersModule],
  providers: [
    ApplicationRemovalRepository,
    ApplicationRepository,
    ApplicationsService,
    LeaseRepository,
    ProviderSettingRepository,
    ProviderStatusRepository,
    SettingsService,
    SettingsTestService,
    SharedTokenRepository,
  ],
  exports: [
    ApplicationRemovalRepository,
    ApplicationsService,
    LeaseRepository,
    ProviderSettingRepository,
    ProviderStatusRepository,
    SettingsService,
    SettingsTestService,
    SharedTokenRepository,
  ],
})
export class ApplicationsModule {}
