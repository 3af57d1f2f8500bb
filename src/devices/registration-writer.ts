import { Injectable } from '@nestjs/common';
import { Gather } from '../common/gather.js';
import { isTakenBack } from '../database/taken-back.js';
import { DeviceRegistrationRepository, tokenKey } from './device-registration.repository.js';
import type { DeviceRegistration } from './device-registration.repository.js';
import type { Device } from './device.repository.js';

/** Of one statement: more would make the first wait for the last. */
const AT_ONCE = 100;

interface Registration {
  applicationId: string;
  device: DeviceRegistration;
  now: Date;
}

type Settled = PromiseSettledResult<Device>;

/**
 * Registers devices. Those that come together share a statement: an app that is updated registers everywhere at once, and
 * what one registration costs the database is mostly the statement and its commit.
 */
@Injectable()
export class RegistrationWriter {
  private readonly writes = new Gather<Registration, Settled>((list) => this.writeAll(list), AT_ONCE);

  constructor(private readonly registrations: DeviceRegistrationRepository) {}

  async register(registration: Registration): Promise<Device> {
    const result = await this.writes.add(registration);
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  }

  /** Whoever meets another's id or token comes after him. */
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

  /** One that the database refuses must not take the others with it. */
  private async writeGroup(group: readonly Registration[]): Promise<Settled[]> {
    const [first] = group as [Registration];
    if (group.length > 1)
      try {
        const devices = group.map(({ device }) => device);
        const put = await this.registrations.putTogether(first.applicationId, devices, first.now);
        const byId = new Map(put.map((device) => [device.deviceId, device]));
        return devices.map(({ deviceId }) => ({ status: 'fulfilled', value: byId.get(deviceId)! }));
      } catch (reason) {
        if (!isTakenBack(reason)) return group.map(() => ({ status: 'rejected', reason }));
      }
    return Promise.allSettled(
      group.map(({ applicationId, device, now }) => this.registrations.put(applicationId, device, now)),
    );
  }
}

/** By application, those of different ids and tokens. */
function apart(list: readonly Registration[]): { groups: Registration[][]; later: Registration[] } {
  const groups = new Map<string, Registration[]>();
  const later: Registration[] = [];
  const taken = new Set<string>();
  for (const registration of list) {
    const { applicationId, device } = registration;
    const keys = [`id ${applicationId} ${device.deviceId}`, `token ${applicationId} ${tokenKey(device)}`];
    const group = groups.get(applicationId);
    if (keys.some((key) => taken.has(key))) later.push(registration);
    else if (group) group.push(registration);
    else groups.set(applicationId, [registration]);
    for (const key of keys) taken.add(key);
  }
  return { groups: [...groups.values()], later };
}
