import { Inject, Injectable, Logger } from '@nestjs/common';
import type { BeforeApplicationShutdown } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { ApplicationRemovalRepository } from '../applications/application-removal.repository.js';
import { Clock } from '../common/clock.js';
import { rootCause } from '../common/errors.js';
import { CONFIG } from '../common/tokens.js';
import type { Config } from '../config.js';
import { DeviceRetentionRepository } from '../devices/device-retention.repository.js';
import { TallyRepository } from '../devices/tally.repository.js';
import { RetentionRepository } from './retention.repository.js';

/** What it looks for is mostly days old; four looks at an index a minute cost nothing. */
const EVERY_MS = 60_000;
const DAY_MS = 86_400_000;

/** Takes away what is old, in small steps one after another, so that whoever sends never waits for it. */
@Injectable()
export class Housekeeper implements BeforeApplicationShutdown {
  private readonly log = new Logger('Housekeeper');
  private running: Promise<void> | null = null;
  private stopped = false;

  constructor(
    @Inject(CONFIG) private readonly config: Pick<Config, 'retention'>,
    private readonly messages: RetentionRepository,
    private readonly devices: DeviceRetentionRepository,
    private readonly removals: ApplicationRemovalRepository,
    private readonly tally: TallyRepository,
    private readonly clock: Clock,
  ) {}

  @Interval(EVERY_MS)
  async tick(): Promise<void> {
    if (this.running || this.stopped) return;
    this.running = this.tidy();
    try {
      await this.running;
    } catch (error) {
      this.log.warn(`Housekeeping failed, the next one will do it: ${rootCause(error)}`);
    } finally {
      this.running = null;
    }
  }

  async tidy(): Promise<void> {
    while (!this.stopped && (await this.removals.removeSome()));
    const { messageDays, deviceUnseenDays, deviceRetiredDays } = this.config.retention;
    await this.repeat(messageDays, (before) => this.messages.removeMessages(before));
    await this.repeat(deviceUnseenDays, (before, now) => this.devices.retireUnseen(before, now));
    await this.repeat(deviceRetiredDays, (before) => this.devices.deleteRetired(before));
    // A step a minute and no more: a million tags are an hour's work, and nothing waits for it.
    if (!this.stopped) await this.tally.fold();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopped = true;
    await this.running?.catch(() => undefined);
  }

  /** Until a step finds nothing more. 0 days: what it is about is kept for ever. */
  private async repeat(days: number, step: (before: Date, now: Date) => Promise<boolean>): Promise<void> {
    if (days === 0) return;
    const now = this.clock.now();
    const before = new Date(now - days * DAY_MS);
    while (!this.stopped && (await step(before, new Date(now))));
  }
}
