import { Inject, Injectable } from '@nestjs/common';
import type { Actor } from '../auth/audit.repository.js';
import { checkStorable } from '../common/body.js';
import { ApiError, invalidValue, notFound, wrongContentType } from '../common/errors.js';
import { checkRevision } from '../common/revision.js';
import type { SettingName } from '../database/tables.js';
import { parseGcmSettings } from '../providers/fcm/gcm.settings.js';
import { InvalidSettings } from '../providers/provider.js';
import type { Provider, ProviderName, ProviderSettings } from '../providers/provider.js';
import { PROVIDERS } from '../providers/providers.module.js';
import type { Providers } from '../providers/providers.module.js';
import { ApplicationsService } from './applications.service.js';
import { describePause } from './pause.js';
import { ProviderSettingRepository, settingsRevision } from './provider-setting.repository.js';
import type { StoredSettings } from './provider-setting.repository.js';

/** Settings in the provider's own form; each provider checks its own. */
export type Settings = Record<string, unknown>;

/** The part of settings that may be read back. */
export interface ReadSettings {
  settings: Settings;
  revision: string;
}

@Injectable()
export class SettingsService {
  constructor(
    private readonly applications: ApplicationsService,
    private readonly settings: ProviderSettingRepository,
    @Inject(PROVIDERS) private readonly providers: Providers,
  ) {}

  /**
   * Checks and stores the settings. Throws CARIL0412E if the present ones are of another revision; an empty list of
   * revisions: if there are any.
   */
  async putSettings(
    actor: Actor,
    applicationId: string,
    name: SettingName,
    body: unknown,
    revisions?: readonly string[],
  ): Promise<ReadSettings> {
    const input = asObject(body);
    await this.applications.getApplication(applicationId);
    const current = await this.settings.find(applicationId, name);
    // Before the fields are read: a wrong field may be due to the change of the other editor.
    checkRevision(revisions, current ? settingsRevision(current) : null);
    const settings = await this.parse(name, input, current);
    const revision = await this.settings.put(applicationId, name, settings, actor, revisions);
    return { settings: settings.visible, revision };
  }

  /** The given settings as they would be stored, or the stored ones if no field is given. */
  async wouldBe(applicationId: string, name: ProviderName, body: unknown): Promise<ProviderSettings> {
    const input = asObject(body ?? {});
    if (Object.keys(input).length === 0) return this.findSettings(applicationId, name);
    await this.applications.getApplication(applicationId);
    return this.parse(name, input, await this.settings.find(applicationId, name));
  }

  async getSettings(applicationId: string, name: SettingName): Promise<ReadSettings> {
    const stored = await this.findSettings(applicationId, name);
    return { settings: { ...stored.visible, ...describePause(stored) }, revision: settingsRevision(stored) };
  }

  /** Includes the secret part. Throws FPWSE0001E if there are none. */
  async findSettings(applicationId: string, name: SettingName): Promise<StoredSettings> {
    await this.applications.getApplication(applicationId);
    const stored = await this.settings.find(applicationId, name);
    if (!stored) throw notFound(`${name} configuration`, 'applicationId');
    return stored;
  }

  /**
   * The upstream's are refused while messages need them, because they have no other way. Throws CARIL0409E with the
   * steps to take, CARIL0412E if the settings are of another revision.
   */
  async removeSettings(
    actor: Actor,
    applicationId: string,
    name: SettingName,
    revisions?: readonly string[],
  ): Promise<void> {
    await this.applications.getApplication(applicationId);
    const removed =
      name === 'upstream'
        ? await this.settings.removeUnused(applicationId, name, actor, revisions)
        : await this.settings.remove(applicationId, name, actor, revisions);
    if (removed === 'used')
      throw new ApiError(
        'CARIL0409E',
        `Unfinished messages still need ${name}: set its mode to direct, and remove it when they have ended or are cancelled.`,
      );
    if (removed === 'absent' || removed === false) throw notFound(`${name} configuration`, 'applicationId');
  }

  private async parse(name: SettingName, input: Settings, current?: StoredSettings): Promise<ProviderSettings> {
    try {
      return await this.parserOf(name)(input, current);
    } catch (error) {
      if (error instanceof InvalidSettings) throw invalidValue(error.field, error.message);
      throw error;
    }
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
