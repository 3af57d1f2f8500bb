import { Inject, Injectable } from '@nestjs/common';
import { ApiError, invalidValue, notFound } from '../common/errors.js';
import { InvalidSettings } from '../providers/provider.js';
import type { ProviderName } from '../providers/provider.js';
import { PROVIDERS } from '../providers/providers.module.js';
import type { Providers } from '../providers/providers.module.js';
import { ApplicationRepository } from './application.repository.js';
import type { Application, FoundApplication } from './application.repository.js';
import { ProviderSettingRepository } from './provider-setting.repository.js';

@Injectable()
export class ApplicationsService {
  constructor(
    private readonly applications: ApplicationRepository,
    private readonly settings: ProviderSettingRepository,
    @Inject(PROVIDERS) private readonly providers: Providers,
  ) {}

  async createApplication(application: Application): Promise<Application> {
    if (!(await this.applications.add(application)))
      throw new ApiError('FPWSE0002E', `The application exists already. Check the 'applicationId' parameter value.`);
    return application;
  }

  /** Throws FPWSE0001E when there is none of this id. */
  async getApplication(id: string): Promise<FoundApplication> {
    const application = await this.applications.find(id);
    if (!application) throw notFound('application', 'applicationId');
    return application;
  }

  /** Tests the settings, then keeps them; answers the part that may be read back. */
  async putSettings(
    applicationId: string,
    provider: ProviderName,
    input: Record<string, unknown>,
  ): Promise<Record<string, unknown>> {
    await this.getApplication(applicationId);
    const parse = this.providers[provider].parseSettings;
    if (!parse) throw new Error(`${provider} takes no settings`);
    try {
      const settings = parse(input, await this.settings.find(applicationId, provider));
      await this.settings.put(applicationId, provider, settings);
      return settings.visible;
    } catch (error) {
      if (error instanceof InvalidSettings) throw invalidValue(error.field, error.message);
      throw error;
    }
  }

  async getSettings(applicationId: string, provider: ProviderName): Promise<Record<string, unknown>> {
    await this.getApplication(applicationId);
    const stored = await this.settings.find(applicationId, provider);
    if (!stored) throw notFound(`${provider} configuration`, 'applicationId');
    return stored.pausedReason ? { ...stored.visible, pausedReason: stored.pausedReason } : stored.visible;
  }

  /**
   * As `removeSettings`, but never from under messages that still need them: they would fail. Throws CARIL0409E with what
   * to do instead.
   */
  async removeUnusedSettings(applicationId: string, provider: ProviderName): Promise<void> {
    await this.getApplication(applicationId);
    const removed = await this.settings.removeUnused(applicationId, provider);
    if (removed === 'absent') throw notFound(`${provider} configuration`, 'applicationId');
    if (removed === 'used')
      throw new ApiError(
        'CARIL0409E',
        `Messages are still on their way to the ${provider}: set its mode to direct, and remove it when they have ended or are cancelled.`,
      );
  }

  async removeSettings(applicationId: string, provider: ProviderName): Promise<void> {
    await this.getApplication(applicationId);
    if (!(await this.settings.remove(applicationId, provider)))
      throw notFound(`${provider} configuration`, 'applicationId');
  }
}
