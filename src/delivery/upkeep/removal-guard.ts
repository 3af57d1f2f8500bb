import { Inject, Injectable, Logger } from '@nestjs/common';
import { Clock, EARLIEST } from '../../common/clock.js';
import { DAY_MS, HOUR_MS } from '../../common/durations.js';
import type { Rounds } from '../../common/rounds.js';
import { CONFIG } from '../../common/tokens.js';
import type { Config } from '../../config.js';
import { FEW } from '../../database/due.js';
import type { Due } from '../../database/due.js';
import { RemovalRepository } from './removal.repository.js';

/** After a step of the clock, nothing is removed by age for this long: a wrong clock is usually corrected by then. */
const HOLD_MS = HOUR_MS;
/**
 * For this long after a step, a mass removal needs an operator. Without a step, messages and keys may become due in
 * bursts.
 */
const DOUBT_MS = 7 * DAY_MS;
/** Interval of the log line about held removals. */
const TELL_MS = HOUR_MS;

/** Rows that are removed by age. */
export interface Aged {
  /** For example `messages that ended more than 30 days ago`. */
  what: string;
  does: 'removed' | 'retired' | 'forgotten';
  /** True for devices, which become due one by one, so that many at once always need an operator. */
  always: boolean;
  count: () => Promise<Due>;
  /** Removes one lot; false if nothing was left. */
  step: () => Promise<boolean>;
}

export interface DatedRows {
  countOld(before: Date): Promise<Due>;
  /** Removes one lot; false if nothing was left. */
  removeOld(before: Date): Promise<boolean>;
}

/** The basis of a round of housekeeping. */
export interface Age {
  now: number;
  /** True if the clock has stepped in the last days. */
  doubted: boolean;
}

/** Prevents removals by age while the clock may be wrong. */
@Injectable()
export class RemovalGuard {
  private readonly log = new Logger('Housekeeper');
  private readonly told = new Map<string, number>();

  constructor(
    @Inject(CONFIG) private readonly config: Pick<Config, 'retention'>,
    private readonly looks: RemovalRepository,
    private readonly clock: Clock,
  ) {}

  /** Returns null if nothing may be removed by age in this round. */
  async look(): Promise<Age | null> {
    const now = Math.floor(this.clock.now());
    if (now < EARLIEST) return null;
    const { settledAt, lastAt } = await this.looks.look(now);
    if (settledAt === now && lastAt !== now)
      this.log.warn(
        `Housekeeping looked last at ${new Date(lastAt).toISOString()} and it is ${new Date(now).toISOString()}: the clock was set, or nothing ran. Nothing is removed or retired by its age for an hour`,
      );
    return now - settledAt < HOLD_MS ? null : { now, doubted: now - settledAt < DOUBT_MS };
  }

  /** Removes the due rows, or holds all of them and logs it. */
  async remove(rounds: Rounds, { doubted }: Age, { what, does, always, count, step }: Aged): Promise<void> {
    const { due, all } = await count();
    if (due === 0) return;
    const { atMostPercent } = this.config.retention;
    if ((always || doubted) && isMass(due, all, atMostPercent)) {
      this.tell(
        `${due} of ${all} ${what} would be ${does} at once, which is more than ${atMostPercent} %, so that none is. If the clock of the database is right and they are to go, start the scheduler with REMOVE_AT_MOST_PERCENT=100 until they have gone`,
        what,
      );
      return;
    }
    await rounds.repeat(step);
    this.log.log(`${due} ${what}: ${does}`);
  }

  /** Removes the rows that are older than `days`; at 0 days all of them. */
  async removeOlder(rounds: Rounds, what: string, days: number, rows: DatedRows): Promise<void> {
    const age = await this.look();
    if (age === null) return;
    const before = new Date(age.now - days * DAY_MS);
    await this.remove(rounds, age, {
      what: `${what} older than ${days} days`,
      does: 'removed',
      always: false,
      count: () => rows.countOld(before),
      step: () => rows.removeOld(before),
    });
  }

  private tell(text: string, what: string): void {
    const now = this.clock.elapsed();
    if (now - (this.told.get(what) ?? -TELL_MS) < TELL_MS) return;
    this.told.set(what, now);
    this.log.warn(text);
  }
}

function isMass(due: number, all: number, atMostPercent: number): boolean {
  return due > FEW && due * 100 > all * atMostPercent;
}
