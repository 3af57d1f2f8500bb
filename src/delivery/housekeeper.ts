import { Inject, Injectable, Logger } from '@nestjs/common';
import type { BeforeApplicationShutdown } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { ApplicationRemovalRepository } from '../applications/application-removal.repository.js';
import { Clock } from '../common/clock.js';
import { Rounds } from '../common/rounds.js';
import { CONFIG } from '../common/tokens.js';
import type { Config } from '../config.js';
import { DeviceRetentionRepository } from '../devices/device-retention.repository.js';
import { TallyRepository } from '../devices/tally.repository.js';
import { RetentionRepository } from './retention.repository.js';

/** What it looks for is mostly days old. A round that finds nothing is six looks at an index and a step of the tally (some 10 ms). */
const EVERY_MS = 60_000;
const DAY_MS = 86_400_000;
/** An Idempotency-Key is kept for 24 hours. */
const KEY_DAYS = 1;

/** Takes away what is old, in small steps one after another, so that whoever sends never waits for it. */
@Injectable()
export class Housekeeper implements BeforeApplicationShutdown {
  private readonly rounds = new Rounds(new Logger('Housekeeper'), 'Housekeeping', () => this.tidy());

  constructor(
    @Inject(CONFIG) private readonly config: Pick<Config, 'retention'>,
    private readonly messages: RetentionRepository,
    private readonly devices: DeviceRetentionRepository,
    private readonly removals: ApplicationRemovalRepository,
    private readonly tally: TallyRepository,
    private readonly clock: Clock,
  ) {}

  @Interval(EVERY_MS)
  tick(): Promise<void> {
    return this.rounds.go();
  }

  async tidy(): Promise<void> {
    await this.rounds.repeat(() => this.removals.removeSome());
    const { messageDays, deviceUnseenDays, deviceRetiredDays } = this.config.retention;
    await this.removeOlder(KEY_DAYS, (before) => this.messages.forgetKeys(before));
    await this.forgetValues();
    await this.removeOlder(messageDays, (before) => this.messages.removeMessages(before));
    await this.removeOlder(deviceUnseenDays, (before, now) => this.devices.retireUnseen(before, now));
    await this.removeOlder(deviceRetiredDays, (before) => this.devices.deleteRetired(before));
    // A step a minute and no more: a million tags are an hour's work, and nothing waits for it.
    await this.tally.fold();
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.rounds.end();
  }

  /** The messages that are still under way are looked at in each round: 10 µs each. */
  private async forgetValues(): Promise<void> {
    let after = 0;
    await this.rounds.repeat(async () => {
      const next = await this.messages.forgetValues(after);
      after = next ?? after;
      return next !== null;
    });
  }

  /** 0 days: what it is about is kept for ever. */
  private async removeOlder(days: number, step: (before: Date, now: Date) => Promise<boolean>): Promise<void> {
    if (days === 0) return;
    const now = this.clock.now();
    const before = new Date(now - days * DAY_MS);
    await this.rounds.repeat(() => step(before, new Date(now)));
  }
}
