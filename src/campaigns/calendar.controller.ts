import { Body, Controller, Get, HttpCode, Param, Post, Query, UseGuards } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiQuery, ApiResponse, ApiTags } from '@nestjs/swagger';
import { RequireScope, ScopeGuard } from '../auth/scope.guard.js';
import { StrictBodyPipe } from '../common/body.js';
import { invalidValue } from '../common/errors.js';
import { readInstant } from '../common/instant.js';
import { MayLag } from '../common/may-lag.js';
import { readQuery } from '../common/query.js';
import type { Query as QueryOf } from '../common/query.js';
import { CalendarAnswer, SharedUsersDto, SharedUsersAnswer } from './calendar.dto.js';
import { CalendarService } from './calendar.service.js';
import { CampaignDto } from './campaign.dto.js';
import { PreviewAnswer } from './campaign.answers.js';
import { CountPipe } from './campaign.pipes.js';
import { PreviewService } from './preview.service.js';

const INVALID = { status: 400, description: 'A field is missing or invalid: `message` names it and the reason' };
const UNKNOWN = { status: 404, description: 'Unknown application or campaign' };

const COUNT = {
  name: 'count',
  required: false,
  schema: { type: 'integer', minimum: 1, maximum: 100, default: 5 },
  description: 'Number of firings',
} as const;
const TIME = { type: 'string', format: 'date-time' } as const;

/** Extensions: the plans of campaigns. The router reads a double colon as one. */
@ApiTags('Campaigns')
@Controller('imfpush/v1/apps/:applicationId')
@UseGuards(ScopeGuard)
export class CalendarController {
  constructor(
    private readonly calendar: CalendarService,
    private readonly previews: PreviewService,
  ) {}

  @Get('campaigns::firings')
  @MayLag()
  @RequireScope('campaigns.read')
  @ApiOperation({
    summary: 'List the firings of all active campaigns, in order of time, from now on (extension)',
    description:
      'At most 100 firings of a campaign and 1,000 in all; `incomplete` names the campaigns that have more in this time.',
  })
  @ApiQuery({ name: 'from', required: true, schema: TIME })
  @ApiQuery({ name: 'to', required: true, schema: TIME })
  @ApiResponse({ status: 200, type: CalendarAnswer })
  @ApiResponse(INVALID)
  @ApiResponse({ status: 404, description: 'Unknown application' })
  listFirings(@Param('applicationId') applicationId: string, @Query() query: QueryOf): Promise<CalendarAnswer> {
    const { from, to } = readQuery(query, ['from', 'to']);
    return this.calendar.list(applicationId, readTimeOf('from', from), readTimeOf('to', to));
  }

  @Post('campaigns::shared')
  @HttpCode(200)
  @MayLag()
  @RequireScope('campaigns.read')
  @ApiOperation({
    summary: 'Count the users that campaigns have in common, by pair (extension)',
    description:
      'Reads the devices of the application once: ask on demand, not on a timer. A device without a user counts as a user; variants are not considered.',
  })
  @ApiResponse({ status: 200, type: SharedUsersAnswer })
  @ApiResponse(INVALID)
  @ApiResponse(UNKNOWN)
  async countShared(
    @Param('applicationId') applicationId: string,
    @Body(new StrictBodyPipe(SharedUsersDto)) { campaignIds }: SharedUsersDto,
  ): Promise<SharedUsersAnswer> {
    return { pairs: await this.calendar.countShared(applicationId, campaignIds) };
  }

  @Get('campaigns/:campaignId/preview')
  @RequireScope('campaigns.read')
  @ApiOperation({
    operationId: 'CampaignsController_preview',
    summary:
      'Preview a campaign: its next firings, the effect of daylight saving, and its current audience (extension)',
  })
  @ApiQuery(COUNT)
  @ApiResponse({ status: 200, type: PreviewAnswer })
  @ApiResponse(UNKNOWN)
  previewStored(
    @Param('applicationId') applicationId: string,
    @Param('campaignId') campaignId: string,
    @Query('count', new CountPipe('count', 5, 100)) count: number,
  ): Promise<PreviewAnswer> {
    return this.previews.previewCampaign(applicationId, campaignId, count);
  }

  @Post('campaigns::preview')
  @HttpCode(200)
  @RequireScope('campaigns.write')
  @ApiOperation({
    summary: 'Preview a campaign that is not stored: its next firings, their notes, and its audience (extension)',
    description: 'Counts the audience: 0.3 s of the database for a million devices.',
  })
  @ApiBody({ type: CampaignDto })
  @ApiQuery(COUNT)
  @ApiResponse({ status: 200, type: PreviewAnswer })
  @ApiResponse(INVALID)
  @ApiResponse({ status: 404, description: 'Unknown application' })
  preview(
    @Param('applicationId') applicationId: string,
    @Query('count', new CountPipe('count', 5, 100)) count: number,
    @Body(new StrictBodyPipe(CampaignDto)) body: CampaignDto,
  ): Promise<PreviewAnswer> {
    return this.previews.previewBody(applicationId, body, count);
  }
}

function readTimeOf(name: string, text: string | undefined): number {
  if (text === undefined) throw invalidValue(name, 'it is required, such as 2027-03-01T00:00:00Z');
  return readInstant(name, text);
}
