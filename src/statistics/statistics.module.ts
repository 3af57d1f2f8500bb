import { Module } from '@nestjs/common';
import { StatisticRepository } from './statistic.repository.js';
import { StatisticsKeeper } from './statistics-keeper.js';

/** The role `api`. */
@Module({ providers: [StatisticRepository], exports: [StatisticRepository] })
export class StatisticsModule {}

/** The role `scheduler`. */
@Module({ providers: [StatisticRepository, StatisticsKeeper] })
export class StatisticsSchedulerModule {}
