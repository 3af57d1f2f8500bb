import { Inject, Injectable, Logger } from '@nestjs/common';
import { Clock, EARLIEST } from '../../common/clock.js';
import { DAY_MS, HOUR_MS } from '../../common/durations.js';
import type { Rounds } from '../../common/rounds.js';
import { CONFIG } from '../../common/tokens.js';
import type { Config } from '../../config.js';
import { FEW } from '../../database/due.js';
import type { Due } from '../../database/due.js';
import { RemovalRepository } from './removal.repository.js';

/** After a step of the clock nothing goes by age for so long: a clock that is wrong is mostly right again by then. */
const HOLD_MS = HOUR_MS;
/** And for so long any mass removal asks for a person. Without a step messages and keys may be due in bursts, as they came. */
const DOUBT_MS = 7 * DAY_MS;
/** What is held back is told once in. */
const TELL_MS = HOUR_MS;

/** What goes by its age. */
export interface Aged {
  /** `messages that ended more than 30 days ago` */
  what: string;
  does: 'removed' | 'retired' | 'forgotten';
  /** Devices come one by one, so that many at once are never due by themselves. */
  always: boolean;
  count: () => Promise<Due>;
  /** False when there was nothing to do. */
  step: () => Promise<boolean>;
}

/** What a round of housekeeping may go by. */
export interface Age {
  now: number;
  /** The clock has stepped in the last days. */
  doubted: boolean;
}

/** Stands between a clock that is wrong and all that goes by age. */
@Injectable()
export class RemovalGuard {
  private readonly log = new Logger('Housekeeper');
  private readonly told = new Map<string, number>();

  constructor(
    @Inject(CONFIG) private readonly config: Pick<Config, 'retention'>,
    private readonly looks: RemovalRepository,
    private readonly clock: Clock,
  ) {}

  /** Null: nothing goes by age in this round. */
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

  /** Removes what is due, or holds all of it back and says so. */
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
