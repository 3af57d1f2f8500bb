import { Module } from '@nestjs/common';
import { ProvidersModule } from '../providers/providers.module.js';
import { ApplicationRepository } from './application.repository.js';
import { ApplicationsService } from './applications.service.js';
import { ProviderStatusRepository } from './provider-status.repository.js';
import { ProviderSettingRepository } from './provider-setting.repository.js';

/** The applications and their settings, for every role; the HTTP side is in AppModule's api list. */
@Module({
  imports: [ProvidersModule],
  providers: [ApplicationRepository, ApplicationsService, ProviderSettingRepository, ProviderStatusRepository],
  exports: [ApplicationsService, ProviderSettingRepository, ProviderStatusRepository],
})
export class ApplicationsModule {}
