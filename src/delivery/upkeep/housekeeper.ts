import { Inject, Injectable, Logger } from '@nestjs/common';
import type { BeforeApplicationShutdown } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { ApplicationRemovalRepository } from '../../applications/application-removal.repository.js';
import { DAY_MS, MINUTE_MS } from '../../common/durations.js';
import { countRetired } from '../../common/meters.js';
import { Rounds } from '../../common/rounds.js';
import { CONFIG } from '../../common/tokens.js';
import type { Config } from '../../config.js';
import { DeviceRetentionRepository } from '../../devices/device-retention.repository.js';
import { UNSEEN } from '../../devices/device.repository.js';
import { TallyRepository } from '../../devices/tally.repository.js';
import { RemovalGuard } from './removal-guard.js';
import type { Age } from './removal-guard.js';
import { RetentionRepository } from './retention.repository.js';

/**
 * Most rows to remove are days old. A round that finds nothing makes ten index look-ups and a step of the tally (about
 * 10 ms).
 */
const EVERY_MS = MINUTE_MS;
/** An Idempotency-Key is kept for 24 hours. */
const KEY_DAYS = 1;

/** Removes old rows in small steps one after another, so that senders never wait for it. */
@Injectable()
export class Housekeeper implements BeforeApplicationShutdown {
  private readonly rounds = new Rounds(new Logger('Housekeeper'), 'Housekeeping', () => this.tidy());

  constructor(
    @Inject(CONFIG) private readonly config: Pick<Config, 'retention'>,
    private readonly messages: RetentionRepository,
    private readonly devices: DeviceRetentionRepository,
    private readonly removals: ApplicationRemovalRepository,
    private readonly tally: TallyRepository,
    private readonly guard: RemovalGuard,
  ) {}

  @Interval(EVERY_MS)
  tick(): Promise<void> {
    return this.rounds.go();
  }

  async tidy(): Promise<void> {
    await this.rounds.repeat(() => this.removals.removeSome());
    await this.forgetValues();
    const age = await this.guard.look();
    if (age !== null) await this.removeOld(age);
    // One step per minute: a million tags take an hour, and nothing waits for it.
    await this.tally.fold();
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.rounds.end();
  }

  /** Each round looks at the open messages: 10 µs each. */
  private async forgetValues(): Promise<void> {
    let after = 0;
    await this.rounds.repeat(async () => {
      const next = await this.messages.forgetValues(after);
      after = next ?? after;
      return next !== null;
    });
  }

  /** 0 days: rows are kept for ever. */
  private async removeOld(age: Age): Promise<void> {
    const { messageDays, deviceUnseenDays, deviceRetiredDays } = this.config.retention;
    const now = new Date(age.now);
    const ago = (days: number) => new Date(age.now - days * DAY_MS);
    const keysBefore = ago(KEY_DAYS);
    await this.guard.remove(this.rounds, age, {
      what: 'idempotency keys older than a day',
      does: 'forgotten',
      always: false,
      count: () => this.messages.countKeys(keysBefore),
      step: stepsFrom((from) => this.messages.forgetKeys(keysBefore, from)),
    });
    if (messageDays > 0)
      await this.guard.remove(this.rounds, age, {
        what: `messages that ended more than ${messageDays} days ago`,
        does: 'removed',
        always: false,
        count: () => this.messages.countMessages(ago(messageDays)),
        step: stepsFrom((from) => this.messages.removeMessages(ago(messageDays), from)),
      });
    await this.rounds.repeat(() => this.devices.correctSeen(now));
    if (deviceUnseenDays > 0)
      await this.guard.remove(this.rounds, age, {
        what: `devices unseen for ${deviceUnseenDays} days`,
        does: 'retired',
        always: true,
        count: () => this.devices.countUnseen(ago(deviceUnseenDays)),
        step: () => this.retireUnseen(ago(deviceUnseenDays), now),
      });
    if (deviceRetiredDays > 0)
      await this.guard.remove(this.rounds, age, {
        what: `devices retired for ${deviceRetiredDays} days`,
        does: 'removed',
        always: true,
        count: () => this.devices.countRetired(ago(deviceRetiredDays)),
        step: () => this.devices.deleteRetired(ago(deviceRetiredDays)),
      });
  }

  private async retireUnseen(before: Date, now: Date): Promise<boolean> {
    const retired = await this.devices.retireUnseen(before, now);
    for (const { applicationId, provider, devices } of retired) countRetired(applicationId, provider, UNSEEN, devices);
    return retired.length > 0;
  }
}

/** Steps that continue from the time that the step before returned, until one returns null. */
function stepsFrom(step: (from: Date | null) => Promise<Date | null>): () => Promise<boolean> {
  let from: Date | null = null;
  return async () => {
    const next = await step(from);
    from = next ?? from;
    return next !== null;
  };
}
