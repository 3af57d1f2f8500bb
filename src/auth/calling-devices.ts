import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { DAY_MS } from '../common/durations.js';
import { ApiError } from '../common/errors.js';
import { deadToken } from './bearer.js';
import { CallingDeviceRepository } from './calling-device.repository.js';
import { DeviceTokens } from './device-tokens.js';
import type { DeviceToken, TokenDevice } from './device-tokens.js';

/** As for revoked tokens: a clock that was ahead would make an ended token valid again. */
const KEEP_MS = DAY_MS;

/** A device that calls with its own token. */
export type CallingDevice = DeviceToken;

/** Checks device tokens against the current state of their devices. */
@Injectable()
export class CallingDevices {
  constructor(
    private readonly tokens: DeviceTokens,
    private readonly devices: CallingDeviceRepository,
    private readonly clock: Clock,
  ) {}

  /**
   * The device of the token. Throws CARIL0401E if the token is invalid, is for another application, or has ended: the
   * device was removed, belongs to another user now, or has used the token of its first registration.
   */
  async authorize(token: string, applicationId: string | undefined): Promise<CallingDevice> {
    const device = await this.tokens.read(token);
    if (!device || device.applicationId !== applicationId) throw deadToken();
    const registered = await this.devices.find(applicationId, device.deviceId);
    if (device.seq === null) {
      if (registered || (await this.devices.isUsed(device.jti))) throw deadToken();
    } else if (registered?.seq !== device.seq || registered.userId !== device.userId) throw deadToken();
    return device;
  }

  /** The same device with a token that holds after its first registration; the token for that one ends. */
  async renew(device: CallingDevice): Promise<string> {
    const registered = await this.devices.find(device.applicationId, device.deviceId);
    await this.devices.use(device.jti, new Date(device.expiresAt), new Date(this.clock.now() - KEEP_MS));
    if (!registered) throw deadToken();
    return this.tokens.issue({ ...device, seq: registered.seq }, device.expiresAt);
  }

  issue(device: TokenDevice, expiresAt: number): string {
    return this.tokens.issue(device, expiresAt);
  }
}

/** Throws CARIL0403E if a device calls about another device, or names another user than its own. */
export function checkOwn(caller: CallingDevice | undefined, deviceId: unknown, userId?: string | null): void {
  if (caller && deviceId !== caller.deviceId)
    throw new ApiError('CARIL0403E', 'The device token is for another device.');
  if (caller && userId !== undefined && userId !== caller.userId)
    throw new ApiError('CARIL0403E', 'The device token is for another user.');
}
