import { Injectable, Logger } from '@nestjs/common';
import type { BeforeApplicationShutdown } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { EARLIEST } from '../../common/clock.js';
import { Rounds } from '../../common/rounds.js';
import { DeliveryQueue } from '../../delivery/delivery.queue.js';
import { FiringService } from './firing.service.js';
import { ReplanService } from './replan.service.js';
import { SharedClock } from './shared-clock.repository.js';
import { WaveService } from './wave.service.js';

const EVERY_MS = 1_000;
/** Milliseconds that another database server may be behind after a takeover. */
const BACK_MS = 500;
/** How many campaigns a log line names. */
const NAMED = 10;

/**
 * Fires due campaigns and waves. The schedule is in the rows, so a missed round is caught up by the next round of any
 * process.
 */
@Injectable()
export class CampaignScheduler implements BeforeApplicationShutdown {
  private readonly log = new Logger('Campaigns');
  private readonly rounds = new Rounds(this.log, 'The look for campaigns', () => this.look());

  /** Time of the last round; infinite before the first. */
  private lookedAt = Infinity;

  constructor(
    private readonly clock: SharedClock,
    private readonly firings: FiringService,
    private readonly waves: WaveService,
    private readonly plans: ReplanService,
    private readonly queue: DeliveryQueue,
  ) {}

  @Interval(EVERY_MS)
  tick(): Promise<void> {
    return this.rounds.go();
  }

  /** Fires everything that is due now. */
  async look(): Promise<void> {
    const now = await this.clock.now();
    if (now < EARLIEST) return;
    if (now < this.lookedAt - BACK_MS) await this.replan(now);
    this.lookedAt = now;
    const steps = [() => this.firings.fireDue(now), () => this.waves.sendDue(now)];
    const made: number[] = [];
    try {
      for (const step of steps)
        await this.rounds.repeat(async () => {
          const { messageSeqs, more } = await step();
          made.push(...messageSeqs);
          return more;
        });
    } finally {
      // After all commits: otherwise the last campaign would wait for the queue of the first.
      if (made.length > 0) await this.queue.enqueueExpansions(made);
    }
  }

  /** At each start, and after the database's clock went back: times planned before may lie in the future. */
  private async replan(now: number): Promise<void> {
    const ids = await this.plans.replan(now);
    if (ids.length === 0) return;
    const named = ids.slice(0, NAMED).join(', ') + (ids.length > NAMED ? ' …' : '');
    this.log.warn(
      `${ids.length} campaigns were planned for another moment than their next, and are planned anew: ${named}`,
    );
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.rounds.end();
  }
}
