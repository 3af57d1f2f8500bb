import { Inject, Injectable, Logger } from '@nestjs/common';
import type { BeforeApplicationShutdown } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { Clock } from '../common/clock.js';
import { Rounds } from '../common/rounds.js';
import { CONFIG } from '../common/tokens.js';
import type { Config } from '../config.js';
import { ReachRepository } from '../delivery/reach.repository.js';
import { dayBefore, reachKey } from '../delivery/reach.js';
import { RunRepository } from './run.repository.js';

const EVERY_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** Takes away the account of old runs, with their messages' retention, their keys after a day, and counts that no cap asks for any more. */
@Injectable()
export class CampaignHousekeeper implements BeforeApplicationShutdown {
  private readonly rounds = new Rounds(new Logger('Campaigns'), 'Housekeeping', () => this.tidy());

  constructor(
    @Inject(CONFIG) private readonly config: Pick<Config, 'retention'>,
    private readonly runs: RunRepository,
    private readonly reach: ReachRepository,
    private readonly clock: Clock,
  ) {}

  @Interval(EVERY_MS)
  tick(): Promise<void> {
    return this.rounds.go();
  }

  async tidy(): Promise<void> {
    const now = this.clock.now();
    const { messageDays } = this.config.retention;
    const before = new Date(now - messageDays * DAY_MS);
    if (messageDays > 0) await this.rounds.repeat(() => this.runs.removeOld(before));
    await this.rounds.repeat(() => this.runs.forgetKeys(new Date(now - DAY_MS)));
    await this.rounds.repeat(() => this.runs.removeRates());
    await this.rounds.repeat(() => this.reach.forget(dayBefore(reachKey(now, 0))));
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.rounds.end();
  }
}
