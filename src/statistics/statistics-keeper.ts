import { Injectable, Logger } from '@nestjs/common';
import type { BeforeApplicationShutdown } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { Rounds } from '../common/rounds.js';
import { StatisticRepository } from './statistic.repository.js';

/** A read also adds up the changes since the last round. */
const EVERY_MS = 10_000;

/** Adds up the changes, and removes the minutes and hours that are old. */
@Injectable()
export class StatisticsKeeper implements BeforeApplicationShutdown {
  private readonly rounds = new Rounds(new Logger('Statistics'), 'The sums of statistics', () => this.tidy());

  constructor(private readonly statistics: StatisticRepository) {}

  @Interval(EVERY_MS)
  tick(): Promise<void> {
    return this.rounds.go();
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.rounds.end();
  }

  private async tidy(): Promise<void> {
    await this.rounds.repeat(() => this.statistics.fold());
    await this.rounds.repeat(() => this.statistics.forget('minute'));
    await this.rounds.repeat(() => this.statistics.forget('hour'));
  }
}
