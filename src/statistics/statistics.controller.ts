import { Controller, Get, Param, Query, UseGuards, applyDecorators } from '@nestjs/common';
import { ApiOperation, ApiQuery, ApiResponse, ApiTags } from '@nestjs/swagger';
import { ApplicationsService } from '../applications/applications.service.js';
import { RequireScope, ScopeGuard } from '../auth/scope.guard.js';
import { Clock } from '../common/clock.js';
import { MayLag } from '../common/may-lag.js';
import { readQuery } from '../common/query.js';
import type { Query as QueryOf } from '../common/query.js';
import { TIME } from '../common/schema.js';
import { KEPT_DAYS, MOST_POINTS, STEPS, readRange, toPoints } from './points.js';
import type { Point } from './points.js';
import { STATISTICS } from './statistics.schema.js';
import { StatisticRepository } from './statistic.repository.js';

interface StatisticsAnswer {
  from: string;
  to: string;
  step: string;
  serverTime: string;
  points: Point[];
}

const PARAMETERS = ['from', 'to', 'step'] as const;

/** The parts of both routes in the API document. */
function Documented(summary: string): MethodDecorator {
  return applyDecorators(
    ApiOperation({
      summary,
      description: `Times are those of the database. \`outcomes\` counts deliveries in the step in which their outcome was recorded: the sum over all steps is that of the reports. A number is negative if more deliveries left an outcome than got it (an \`unknown\` delivery that was repeated). At most ${MOST_POINTS} points; steps of a minute are kept for ${KEPT_DAYS.minute} days, of an hour for ${KEPT_DAYS.hour} days, of a day for ever.`,
    }),
    ApiQuery({ name: 'from', required: false, schema: TIME, description: 'Default: 60 minutes, 24 hours or 30 days' }),
    ApiQuery({ name: 'to', required: false, schema: TIME, description: 'Default: now' }),
    ApiQuery({ name: 'step', required: false, enum: Object.keys(STEPS), description: 'Default: minute' }),
    ApiResponse({ status: 200, description: 'A point for each step', schema: STATISTICS }),
    ApiResponse({ status: 400, description: 'A parameter is unknown or invalid, or there would be too many points' }),
  );
}

/** Extension: figures over time. */
@ApiTags('Statistics')
@Controller('imfpush/v1')
@UseGuards(ScopeGuard)
export class StatisticsController {
  constructor(
    private readonly applications: ApplicationsService,
    private readonly statistics: StatisticRepository,
    private readonly clock: Clock,
  ) {}

  @Get('stats')
  @MayLag()
  @RequireScope('messages.read')
  @Documented('Read accepted messages, outcomes and registrations over time, of all applications (extension)')
  readAll(@Query() query: QueryOf): Promise<StatisticsAnswer> {
    return this.answer(null, query);
  }

  @Get('apps/:applicationId/stats')
  @MayLag()
  @RequireScope('messages.read')
  @Documented('Read accepted messages, outcomes and registrations over time, of an application (extension)')
  @ApiResponse({ status: 404, description: 'Unknown application' })
  async read(@Param('applicationId') applicationId: string, @Query() query: QueryOf): Promise<StatisticsAnswer> {
    await this.applications.getApplication(applicationId);
    return this.answer(applicationId, query);
  }

  private async answer(applicationId: string | null, query: QueryOf): Promise<StatisticsAnswer> {
    const now = this.clock.now();
    const range = readRange(readQuery(query, PARAMETERS), now);
    return {
      from: new Date(range.from).toISOString(),
      to: new Date(range.to).toISOString(),
      step: range.step,
      serverTime: new Date(now).toISOString(),
      points: toPoints(range, await this.statistics.read(applicationId, range)),
    };
  }
}
