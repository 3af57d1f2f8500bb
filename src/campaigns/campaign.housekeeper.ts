import { Inject, Injectable, Logger } from '@nestjs/common';
import type { BeforeApplicationShutdown } from '@nestjs/common';
import { Interval, Timeout } from '@nestjs/schedule';
import { DAY_MS, HOUR_MS } from '../common/durations.js';
import { Rounds } from '../common/rounds.js';
import { CONFIG } from '../common/tokens.js';
import type { Config } from '../config.js';
import { ReachRepository } from '../delivery/expand/reach.repository.js';
import { dayBefore, reachKey } from '../delivery/expand/reach.js';
import { RemovalGuard } from '../delivery/upkeep/removal-guard.js';
import { CampaignRepository } from './campaign.repository.js';
import { RunRepository } from './run.repository.js';

const EVERY_MS = HOUR_MS;
/** The first round is soon, because a process may be restarted every hour. */
const FIRST_MS = 30_000;

/**
 * Deletes old runs after the retention of messages, idempotency keys after a day, and counts that no cap needs any
 * more.
 */
@Injectable()
export class CampaignHousekeeper implements BeforeApplicationShutdown {
  private readonly rounds = new Rounds(new Logger('Campaigns'), 'Housekeeping', () => this.tidy());

  constructor(
    @Inject(CONFIG) private readonly config: Pick<Config, 'retention'>,
    private readonly runs: RunRepository,
    private readonly campaigns: CampaignRepository,
    private readonly reach: ReachRepository,
    private readonly guard: RemovalGuard,
  ) {}

  @Timeout(FIRST_MS)
  first(): Promise<void> {
    return this.rounds.go();
  }

  @Interval(EVERY_MS)
  tick(): Promise<void> {
    return this.rounds.go();
  }

  async tidy(): Promise<void> {
    await this.rounds.repeat(() => this.runs.removeRates());
    const age = await this.guard.look();
    if (age === null) return;
    const { messageDays } = this.config.retention;
    const before = new Date(age.now - messageDays * DAY_MS);
    if (messageDays > 0)
      await this.guard.remove(this.rounds, age, {
        what: `runs of campaigns older than ${messageDays} days`,
        does: 'removed',
        always: false,
        count: () => this.runs.countOld(before),
        step: () => this.runs.removeOld(before),
      });
    const dayAgo = new Date(age.now - DAY_MS);
    await this.rounds.repeat(() => this.runs.forgetKeys(dayAgo));
    await this.campaigns.forgetKeys(dayAgo);
    await this.rounds.repeat(() => this.reach.forget(dayBefore(reachKey(age.now, 0))));
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.rounds.end();
  }
}
