import { Injectable } from '@nestjs/common';
import { Gather } from '../common/gather.js';
import { countRegistration } from '../common/meters.js';
import { resultOf, writeTogether } from '../database/together.js';
import { DeviceRegistrationRepository } from './device-registration.repository.js';
import type { Device } from './device.repository.js';
import { apart } from './registration.js';
import type { Registration } from './registration.js';

/** Registrations per statement: with more, the first would wait for the last. */
const AT_ONCE = 100;

type Settled = PromiseSettledResult<Device>;

/**
 * Registers devices. Concurrent registrations share a statement: after an app update many devices register at once, and
 * most of the cost of one is the statement and its commit.
 */
@Injectable()
export class RegistrationWriter {
  private readonly writes = new Gather<Registration, Settled>((list) => this.writeAll(list), AT_ONCE);

  constructor(private readonly registrations: DeviceRegistrationRepository) {}

  async register(registration: Registration): Promise<Device> {
    const device = resultOf(await this.writes.add(registration));
    countRegistration(registration.applicationId, device.platform);
    return device;
  }

  /** Registrations with the same id or token are written one after another. */
  private async writeAll(list: readonly Registration[]): Promise<Settled[]> {
    const { groups, later } = apart(list);
    const settled = new Map<Registration, Settled>();
    const write = async (group: readonly Registration[]): Promise<void> => {
      for (const [index, result] of (await this.writeGroup(group)).entries()) settled.set(group[index]!, result);
    };
    await Promise.all(groups.map(write));
    for (const each of later) await write([each]);
    return list.map((each) => settled.get(each)!);
  }

  private writeGroup(group: readonly Registration[]): Promise<Settled[]> {
    const alone = ({ applicationId, device, now }: Registration) => this.registrations.put(applicationId, device, now);
    const [{ applicationId, now }, ...more] = group as [Registration];
    if (more.length === 0) return Promise.allSettled(group.map(alone));
    const devices = group.map(({ device }) => device);
    return writeTogether(group, () => this.registrations.putTogether(applicationId, devices, now), alone);
  }
}
