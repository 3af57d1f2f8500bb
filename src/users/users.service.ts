import { Injectable } from '@nestjs/common';
import { ApplicationsService } from '../applications/applications.service.js';
import type { Actor } from '../auth/audit.repository.js';
import { Clock } from '../common/clock.js';
import { invalidValue, notFound } from '../common/errors.js';
import { ANONYMOUS } from '../devices/device.dto.js';
import { DeviceTransferRepository } from '../devices/device-transfer.repository.js';
import type { TaggedDevice } from '../devices/device-transfer.repository.js';
import type { DeviceMessage } from '../messages/report/delivery-report.repository.js';
import { ReportsService } from '../messages/report/reports.service.js';
import { UserDataRepository } from './user-data.repository.js';
import type { UserValues } from './user-data.repository.js';
import { UserRemovalRepository } from './user-removal.repository.js';

/** How long a request deletes data itself after the devices; the keeper deletes the rest. */
const REMOVE_AT_ONCE_MS = 500;
/** Devices read for the message history of one page. */
const DEVICES_LOOKED_AT = 50;

/** Where a page begins: part (0 devices, 1 values, 2 messages) and position inside that part. */
export type UserPlace = [part: number, first: number, second: number];

export interface UserData {
  devices: TaggedDevice[];
  values: UserValues[];
  messages: (DeviceMessage & { deviceId: string })[];
  /** Only in the first page. */
  reached: Date[];
  next: UserPlace | null;
}

/** Reads and deletes the data kept about a user of an application. */
@Injectable()
export class UsersService {
  constructor(
    private readonly applications: ApplicationsService,
    private readonly devices: DeviceTransferRepository,
    private readonly data: UserDataRepository,
    private readonly reports: ReportsService,
    private readonly removals: UserRemovalRepository,
    private readonly clock: Clock,
  ) {}

  /** At most `size` entries. Throws FPWSE0001E if nothing is kept about the user. */
  async readUser(
    applicationId: string,
    userId: string,
    [part, first, second]: UserPlace,
    size: number,
  ): Promise<UserData> {
    await this.check(applicationId, userId);
    const page: UserData = { devices: [], values: [], messages: [], reached: [], next: null };
    if (part === 0) {
      if (first === 0) page.reached = await this.readReach(applicationId, userId);
      const { devices, last } = await this.devices.ofUser(applicationId, userId, first, size);
      page.devices = devices;
      // Devices with many tags make a shorter page.
      const more = last === undefined ? [] : await this.data.deviceSeqs(applicationId, userId, last + 1, 1);
      if (last !== undefined && more.length > 0) return { ...page, next: [0, last, 0] };
    }
    if (part <= 1) {
      const room = size - page.devices.length;
      const values = await this.data.values(applicationId, userId, part === 1 ? first : 0, room + 1);
      page.values = values.slice(0, room);
      if (values.length > room) return { ...page, next: [1, page.values.at(-1)?.seq ?? (part === 1 ? first : 0), 0] };
    }
    const isEmpty = page.devices.length + page.values.length + page.reached.length === 0;
    if (isEmpty && part === 0 && first === 0) throw notFound('user', 'userId');
    return this.addMessages(applicationId, userId, page, part === 2 ? [first, second] : [0, 0], size);
  }

  /** The message history of each device, one device after another; `before` 0 starts at the newest. */
  private async addMessages(
    applicationId: string,
    userId: string,
    page: UserData,
    [from, before]: [number, number],
    size: number,
  ): Promise<UserData> {
    const devices = await this.data.deviceSeqs(applicationId, userId, from, DEVICES_LOOKED_AT + 1);
    for (const { seq, deviceId } of devices.slice(0, DEVICES_LOOKED_AT)) {
      const room = size - page.devices.length - page.values.length - page.messages.length;
      const start = seq === from && before > 0 ? before : Number.MAX_SAFE_INTEGER;
      if (room === 0) return { ...page, next: [2, seq, seq === from ? before : 0] };
      const { messages, next } = await this.reports.listSent(applicationId, seq, start, room);
      page.messages.push(...messages.map((message) => ({ ...message, deviceId })));
      if (next !== null) return { ...page, next: [2, seq, next] };
    }
    const rest = devices[DEVICES_LOOKED_AT];
    return { ...page, next: rest ? [2, rest.seq, 0] : null };
  }

  /** When this returns, no device of the user receives anything more. Returns true if all other data is deleted too. */
  async removeUser(actor: Actor, applicationId: string, userId: string): Promise<boolean> {
    await this.check(applicationId, userId);
    await this.removals.begin(applicationId, userId, actor);
    const started = this.clock.elapsed();
    for (;;) {
      const step = await this.removals.removeSome({ applicationId, userId });
      const isOver = step !== 'devices' && this.clock.elapsed() - started >= REMOVE_AT_ONCE_MS;
      if (step === 'done' || step === 'held' || isOver) return step === 'done';
    }
  }

  private async check(applicationId: string, userId: string): Promise<void> {
    await this.applications.getApplication(applicationId);
    if (userId === ANONYMOUS)
      throw invalidValue('userId', `${ANONYMOUS} is not a user id: devices without a user id have it`);
  }

  private async readReach(applicationId: string, userId: string): Promise<Date[]> {
    const keys = await this.data.reachKeys(applicationId, userId);
    return keys.map((key) => new Date(Math.floor(key / 1_000)));
  }
}
