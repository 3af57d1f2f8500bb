import { Controller, Get, Headers, HttpCode, Param, Post, Query, Req, Res, UseGuards } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiQuery, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { RequireScope, ScopeGuard } from '../auth/scope.guard.js';
import type { AuthorizedRequest } from '../auth/scope.guard.js';
import { MayLag } from '../common/may-lag.js';
import { readQuery } from '../common/query.js';
import type { Query as QueryOf } from '../common/query.js';
import { told } from '../messages/request/warning.js';
import type { Warning } from '../messages/request/warning.js';
import { FullRunAnswer, RunAnswer, RunListAnswer, toRunAnswer, toWaveAnswer } from './campaign.answers.js';
import { CountPipe, RunIdPipe } from './campaign.pipes.js';
import { RunsService } from './runs.service.js';

const UNKNOWN = { status: 404, description: 'Unknown application or campaign' };
const BESIDE: Warning = {
  code: 'concurrentRun',
  message: 'An earlier run has not ended, and this run is concurrent: policies.overlap applies to the schedule only.',
};

@ApiTags('Campaigns')
@Controller('imfpush/v1/apps/:applicationId/campaigns/:campaignId')
@UseGuards(ScopeGuard)
export class RunsController {
  constructor(private readonly runs: RunsService) {}

  @Post('run')
  @HttpCode(202)
  @RequireScope('campaigns.write')
  @ApiOperation({
    summary: 'Fire a campaign now, in any state and independent of its schedule; quiet hours apply (extension)',
    description:
      '`policies.overlap` applies to the schedule only: this run neither waits for an earlier run nor cancels it. If an earlier run has not ended, `warnings` says so.',
  })
  @ApiHeader({
    name: 'Idempotency-Key',
    required: false,
    description: 'Requests with the same key within 24 hours fire once and get the same run as the answer',
  })
  @ApiResponse({ status: 202, type: RunAnswer, description: 'The run and its messages are stored' })
  @ApiResponse({ status: 400, description: 'The key is invalid, or the request has a body or a query' })
  @ApiResponse(UNKNOWN)
  @ApiResponse({ status: 409, description: 'The application is disabled' })
  async run(
    @Param('applicationId') applicationId: string,
    @Param('campaignId') campaignId: string,
    @Req() request: AuthorizedRequest,
    @Headers('idempotency-key') idempotencyKey: string | undefined,
    @Query() query: QueryOf,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<RunAnswer> {
    readQuery(query, []);
    const { clientId } = request.authorized;
    const { run, replayed, beside } = await this.runs.runCampaign(applicationId, campaignId, clientId, idempotencyKey);
    if (replayed) void reply.header('idempotent-replayed', 'true');
    return Object.assign(toRunAnswer(run), told(beside ? [BESIDE] : []));
  }

  @Get('runs')
  @MayLag()
  @RequireScope('campaigns.read')
  @ApiOperation({
    summary: 'List the runs of a campaign, newest first, with counts and the reasons of skipped runs (extension)',
    description:
      'Firings that were missed while no scheduler ran are one run with state `skipped`: `missedCount` is their number, `missedFromTime` the time of the first, `scheduledTime` that of the last.',
  })
  @ApiQuery({
    name: 'before',
    required: false,
    schema: { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER },
    description: 'The last run id of the previous page',
  })
  @ApiQuery({ name: 'limit', required: false, schema: { type: 'integer', minimum: 1, maximum: 100, default: 20 } })
  @ApiResponse({ status: 200, type: RunListAnswer })
  @ApiResponse(UNKNOWN)
  async listRuns(
    @Param('applicationId') applicationId: string,
    @Param('campaignId') campaignId: string,
    @Query('before', new CountPipe('before', Number.MAX_SAFE_INTEGER)) before: number,
    @Query('limit', new CountPipe('limit', 20, 100)) limit: number,
  ): Promise<RunListAnswer> {
    const runs = await this.runs.listRuns(applicationId, campaignId, before, limit);
    return { runs: runs.map(toRunAnswer) };
  }

  @Get('runs/:runId')
  @MayLag()
  @RequireScope('campaigns.read')
  @ApiOperation({ summary: 'Read a run with the outcomes of its variants, its waves and their messages (extension)' })
  @ApiResponse({ status: 200, type: FullRunAnswer })
  @ApiResponse({ status: 404, description: 'Unknown application, campaign or run' })
  async readRun(
    @Param('applicationId') applicationId: string,
    @Param('campaignId') campaignId: string,
    @Param('runId', RunIdPipe) runId: number,
  ): Promise<FullRunAnswer> {
    const { run, waves, variants } = await this.runs.readWaves(applicationId, campaignId, runId);
    return Object.assign(toRunAnswer(run), { variants, waves: waves.map(toWaveAnswer) });
  }
}
