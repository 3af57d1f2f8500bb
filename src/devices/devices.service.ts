import { Inject, Injectable } from '@nestjs/common';
import { ApplicationsService } from '../applications/applications.service.js';
import { Clock } from '../common/clock.js';
import { invalidValue, notFound } from '../common/errors.js';
import { isGiven } from '../common/lenient.js';
import type { Page, PageRequest } from '../common/paging.js';
import { noteShortRequest } from '../common/turn.js';
import { PROVIDERS } from '../providers/providers.module.js';
import type { Providers } from '../providers/providers.module.js';
import { canonicalLanguage, canonicalTimeZone } from './device-profile.js';
import { DeviceQuota } from './device-quota.js';
import { DeviceRegistrationRepository } from './device-registration.repository.js';
import type { DeviceRegistration } from './registration.js';
import { readUserId } from './device.dto.js';
import type { RegisterDeviceDto, UpdateDeviceDto } from './device.dto.js';
import { DeviceSearchRepository } from './device-search.repository.js';
import { DeviceRepository } from './device.repository.js';
import type { Device, DeviceQuery } from './device.repository.js';
import { readDeviceToken } from './device-token.js';
import type { Platform } from './platform.js';
import { RegistrationWriter } from './registration-writer.js';

@Injectable()
export class DevicesService {
  constructor(
    @Inject(PROVIDERS) private readonly providers: Providers,
    private readonly applications: ApplicationsService,
    private readonly devices: DeviceRepository,
    private readonly searches: DeviceSearchRepository,
    private readonly registrations: DeviceRegistrationRepository,
    private readonly writer: RegistrationWriter,
    private readonly quota: DeviceQuota,
    private readonly clock: Clock,
  ) {}

  /**
   * Registering a known device updates it. Throws CARIL0409E if the device is new and the application's quota is used
   * up.
   */
  async registerDevice(applicationId: string, body: RegisterDeviceDto): Promise<Device> {
    noteShortRequest();
    await this.applications.getApplication(applicationId);
    const device = toRegistration(body, this.providers);
    const refused = await this.quota.refuse(applicationId, [device]);
    if (refused.size > 0) throw refused.get(device)!;
    return this.writer.register({ applicationId, device, now: new Date(this.clock.now()) });
  }

  async updateDevice(applicationId: string, deviceId: string, change: UpdateDeviceDto): Promise<Device> {
    const known = await this.getDevice(applicationId, deviceId);
    if (isGiven(change.deviceId) && change.deviceId !== deviceId)
      throw invalidValue('deviceId', 'it must equal the device id in the path');
    const platform = change.platform ?? (known.platform as Platform);
    // The provider depends on platform and token together.
    const token = change.token ?? (platform === known.platform ? undefined : known.token);
    const changed = await this.registrations.change(
      applicationId,
      deviceId,
      {
        ...(token !== undefined && { platform, ...readDeviceToken(this.providers, platform, token) }),
        userId: change.userId === undefined ? undefined : readUserId(change.userId),
        phoneNumber: change.phoneNumber === undefined ? undefined : change.phoneNumber || null,
        language: isGiven(change.language) ? canonicalLanguage(change.language) : change.language,
        timeZone: isGiven(change.timeZone) ? canonicalTimeZone(change.timeZone) : change.timeZone,
        appVersion: change.appVersion,
        attributes: change.attributes,
      },
      new Date(this.clock.now()),
    );
    if (!changed) throw notFound('device', 'deviceId');
    return changed;
  }

  /** SDKs call this at each start of the app, so the call counts as a sign of life. */
  async readDevice(applicationId: string, deviceId: string): Promise<Device> {
    const device = await this.getDevice(applicationId, deviceId);
    await this.devices.noteSeen(device, new Date(this.clock.now()));
    return device;
  }

  async listDevices(applicationId: string, query: DeviceQuery, page: PageRequest): Promise<Page<Device>> {
    await this.applications.getApplication(applicationId);
    return query.search
      ? this.searches.search(applicationId, query, page)
      : this.devices.list(applicationId, query, page);
  }

  async getDevice(applicationId: string, deviceId: string): Promise<Device> {
    await this.applications.getApplication(applicationId);
    const device = await this.devices.find(applicationId, deviceId);
    if (!device) throw notFound('device', 'deviceId');
    return device;
  }

  async removeDevice(applicationId: string, deviceId: string): Promise<void> {
    await this.applications.getApplication(applicationId);
    if (!(await this.devices.remove(applicationId, deviceId))) throw notFound('device', 'deviceId');
  }
}

/** Throws FPWSE0005E for a token that is not valid on its platform. */
export function toRegistration(device: RegisterDeviceDto, providers: Providers): DeviceRegistration {
  return {
    deviceId: device.deviceId,
    platform: device.platform,
    ...readDeviceToken(providers, device.platform, device.token),
    userId: readUserId(device.userId),
    phoneNumber: device.phoneNumber || null,
    userAgent: device.userAgent || null,
    language: isGiven(device.language) ? canonicalLanguage(device.language) : device.language,
    timeZone: isGiven(device.timeZone) ? canonicalTimeZone(device.timeZone) : device.timeZone,
    appVersion: device.appVersion,
    attributes: device.attributes,
  };
}
