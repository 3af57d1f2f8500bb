import { Injectable } from '@nestjs/common';
import type { ApiError } from '../common/errors.js';
import { Quotas } from '../limits/quotas.js';
import { BROADCAST_TAG } from './audience.repository.js';
import { DeviceRegistrationRepository } from './device-registration.repository.js';
import { DeviceRepository } from './device.repository.js';
import type { Holder, ImportedDevice } from './registration.js';
import { TagRepository } from './tag.repository.js';

/** Applies the quotas of an application to registrations. A device that is already registered is never refused. */
@Injectable()
export class DeviceQuota {
  constructor(
    private readonly quotas: Quotas,
    private readonly devices: DeviceRepository,
    private readonly registrations: DeviceRegistrationRepository,
    private readonly tags: TagRepository,
  ) {}

  /** The error of each refused device, which is new while the quota is used up. */
  async refuse<D extends Holder>(applicationId: string, devices: readonly D[]): Promise<Map<D, ApiError>> {
    const count = () => this.devices.count(applicationId);
    const room = await this.quotas.grant('devices', applicationId, devices.length, count);
    if (room === devices.length) return new Map();
    const known = await this.registrations.findKnown(applicationId, devices);
    const beyond = devices.filter(({ deviceId }) => !known.has(deviceId)).slice(room);
    return new Map(beyond.map((device) => [device, this.quotas.reached('devices')]));
  }

  /** The error of each device that is refused itself, or because of a new tag. */
  async refuseImported(
    applicationId: string,
    devices: readonly ImportedDevice[],
  ): Promise<Map<ImportedDevice, ApiError>> {
    const refused = await this.refuse(applicationId, devices);
    const admitted = devices.filter((device) => !refused.has(device));
    return new Map([...refused, ...(await this.refuseTags(applicationId, admitted))]);
  }

  /** The error of each device with a new tag for which the quota is used up. */
  private async refuseTags(
    applicationId: string,
    devices: readonly ImportedDevice[],
  ): Promise<Map<ImportedDevice, ApiError>> {
    const names = new Set(devices.flatMap(({ tagNames = [] }) => tagNames));
    names.delete(BROADCAST_TAG);
    const count = () => this.tags.count(applicationId);
    const room = await this.quotas.grant('tags', applicationId, names.size, count);
    if (room === names.size) return new Map();
    const existing = await this.tags.existing(applicationId, [...names]);
    const beyond = new Set([...names].filter((name) => !existing.has(name)).slice(room));
    const refused = devices.filter(({ tagNames = [] }) => tagNames.some((name) => beyond.has(name)));
    return new Map(refused.map((device) => [device, this.quotas.reached('tags')]));
  }
}
