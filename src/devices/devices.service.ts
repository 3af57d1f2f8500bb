import { Injectable } from '@nestjs/common';
import { ApplicationsService } from '../applications/applications.service.js';
import { Clock } from '../common/clock.js';
import { invalidValue, notFound } from '../common/errors.js';
import { ANONYMOUS } from './device.dto.js';
import type { RegisterDeviceDto, UpdateDeviceDto } from './device.dto.js';
import { DeviceRepository } from './device.repository.js';
import type { Device } from './device.repository.js';
import { readSubscription } from '../providers/web-push/web-push.subscription.js';
import { providerFor } from './platform.js';
import type { Platform } from './platform.js';

@Injectable()
export class DevicesService {
  constructor(
    private readonly applications: ApplicationsService,
    private readonly devices: DeviceRepository,
    private readonly clock: Clock,
  ) {}

  /** Registering the same device again is an update. */
  async registerDevice(applicationId: string, device: RegisterDeviceDto): Promise<Device> {
    await this.applications.getApplication(applicationId);
    return this.put(applicationId, {
      deviceId: device.deviceId,
      platform: device.platform,
      token: device.token,
      userId: readUserId(device.userId),
      phoneNumber: device.phoneNumber || null,
      userAgent: device.userAgent || null,
    });
  }

  async updateDevice(applicationId: string, deviceId: string, change: UpdateDeviceDto): Promise<Device> {
    const known = await this.getDevice(applicationId, deviceId);
    if (change.deviceId !== undefined && change.deviceId !== deviceId)
      throw invalidValue('deviceId', 'it must be the device id of the path');
    return this.put(applicationId, {
      deviceId,
      platform: change.platform ?? (known.platform as Platform),
      token: change.token ?? known.token,
      userId: change.userId === undefined ? known.userId : readUserId(change.userId),
      phoneNumber: change.phoneNumber === undefined ? known.phoneNumber : change.phoneNumber || null,
      userAgent: known.userAgent,
    });
  }

  /** What an SDK asks for at each start of its app, and so a sign of life. */
  async readDevice(applicationId: string, deviceId: string): Promise<Device> {
    const device = await this.getDevice(applicationId, deviceId);
    await this.devices.noteSeen(applicationId, deviceId, new Date(this.clock.now()));
    return device;
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

  private put(
    applicationId: string,
    device: Omit<Device, 'applicationId' | 'provider' | 'createdAt' | 'updatedAt'> & { platform: Platform },
  ): Promise<Device> {
    const provider = providerFor(device.platform, device.token);
    if (!provider) throw invalidValue('platform', `devices of platform ${device.platform} cannot be delivered to yet`);
    // The one token whose form is known: a wrong one is better found here than at the first message.
    const subscription = provider === 'web-push' ? readSubscription(device.token) : null;
    if (typeof subscription === 'string') throw invalidValue('token', subscription);
    return this.devices.put({ ...device, applicationId, provider }, new Date(this.clock.now()));
  }
}

/** SDKs send back the `anonymous` they were given; it means nobody. */
function readUserId(userId: string | undefined): string | null {
  return userId && userId !== ANONYMOUS ? userId : null;
}
