import { Inject, Injectable, Logger } from '@nestjs/common';
import type { BeforeApplicationShutdown } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { Clock } from '../common/clock.js';
import { rootCause } from '../common/errors.js';
import { CONFIG } from '../common/tokens.js';
import type { Config } from '../config.js';
import { ReachRepository } from '../delivery/reach.repository.js';
import { dayBefore, reachKey } from '../delivery/reach.js';
import { RunRepository } from './run.repository.js';

const EVERY_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** Takes away the account of old runs, with their messages' retention, and counts that no cap asks for any more. */
@Injectable()
export class CampaignHousekeeper implements BeforeApplicationShutdown {
  private readonly log = new Logger('Campaigns');
  private running: Promise<void> | null = null;
  private stopped = false;

  constructor(
    @Inject(CONFIG) private readonly config: Pick<Config, 'retention'>,
    private readonly runs: RunRepository,
    private readonly reach: ReachRepository,
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
    const now = this.clock.now();
    const { messageDays } = this.config.retention;
    const before = new Date(now - messageDays * DAY_MS);
    if (messageDays > 0) while (!this.stopped && (await this.runs.removeOld(before)));
    while (!this.stopped && (await this.runs.removeRates()));
    while (!this.stopped && (await this.reach.forget(dayBefore(reachKey(now, 0)))));
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopped = true;
    await this.running?.catch(() => undefined);
  }
}
