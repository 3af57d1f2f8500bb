import { Inject, Injectable } from '@nestjs/common';
import type { Actor } from '../auth/audit.repository.js';
import { checkStorable } from '../common/body.js';
import { ApiError, invalidValue, notFound, wrongContentType } from '../common/errors.js';
import type { SettingName } from '../database/tables.js';
import { parseGcmSettings } from '../providers/fcm/gcm.settings.js';
import { InvalidSettings } from '../providers/provider.js';
import type { Provider, ProviderName } from '../providers/provider.js';
import { PROVIDERS } from '../providers/providers.module.js';
import type { Providers } from '../providers/providers.module.js';
import { ApplicationsService } from './applications.service.js';
import { describePause } from './pause.js';
import { ProviderSettingRepository } from './provider-setting.repository.js';
import type { StoredSettings } from './provider-setting.repository.js';

/** Settings in the provider's own form; each provider checks its own. */
export type Settings = Record<string, unknown>;

@Injectable()
export class SettingsService {
  constructor(
    private readonly applications: ApplicationsService,
    private readonly settings: ProviderSettingRepository,
    @Inject(PROVIDERS) private readonly providers: Providers,
  ) {}

  /** Checks and stores the settings. Returns the part that may be read back. */
  async putSettings(actor: Actor, applicationId: string, name: SettingName, body: unknown): Promise<Settings> {
    const input = asObject(body);
    await this.applications.getApplication(applicationId);
    const parse = this.parserOf(name);
    try {
      const settings = await parse(input, await this.settings.find(applicationId, name));
      await this.settings.put(applicationId, name, settings, actor);
      return settings.visible;
    } catch (error) {
      if (error instanceof InvalidSettings) throw invalidValue(error.field, error.message);
      throw error;
    }
  }

  async getSettings(applicationId: string, name: SettingName): Promise<Settings> {
    const { visible, ...stored } = await this.findSettings(applicationId, name);
    return { ...visible, ...describePause(stored) };
  }

  /** Includes the secret part. Throws FPWSE0001E if there are none. */
  async findSettings(applicationId: string, name: SettingName): Promise<StoredSettings> {
    await this.applications.getApplication(applicationId);
    const stored = await this.settings.find(applicationId, name);
    if (!stored) throw notFound(`${name} configuration`, 'applicationId');
    return stored;
  }

  async removeSettings(actor: Actor, applicationId: string, name: SettingName): Promise<void> {
    await this.applications.getApplication(applicationId);
    if (!(await this.settings.remove(applicationId, name, actor)))
      throw notFound(`${name} configuration`, 'applicationId');
  }

  /**
   * Like `removeSettings`, but refuses while messages need the settings, because they would fail. Throws CARIL0409E
   * with the steps to take.
   */
  async removeUnusedSettings(actor: Actor, applicationId: string, name: ProviderName): Promise<void> {
    await this.applications.getApplication(applicationId);
    const removed = await this.settings.removeUnused(applicationId, name, actor);
    if (removed === 'absent') throw notFound(`${name} configuration`, 'applicationId');
    if (removed === 'used')
      throw new ApiError(
        'CARIL0409E',
        `Unfinished messages still need ${name}: set its mode to direct, and remove it when they have ended or are cancelled.`,
      );
  }

  private parserOf(name: SettingName): NonNullable<Provider['parseSettings']> {
    if (name === 'gcm') return parseGcmSettings;
    const parse = this.providers[name].parseSettings;
    if (!parse) throw new Error(`${name} takes no settings`);
    return parse;
  }
}

function asObject(body: unknown): Settings {
  if (typeof body === 'string') throw wrongContentType();
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new ApiError('FPWSE0004E', 'The body must be a JSON object.');
  checkStorable(body);
  return body as Settings;
}
