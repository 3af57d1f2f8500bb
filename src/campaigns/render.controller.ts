import { Body, Controller, Get, Headers, HttpCode, Param, Post, Req, Res, UseGuards } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { RequireScope, ScopeGuard } from '../auth/scope.guard.js';
import type { AuthorizedRequest } from '../auth/scope.guard.js';
import { StrictBodyPipe } from '../common/body.js';
import { told } from '../messages/request/warning.js';
import { readIdempotency } from '../messages/send/idempotency.js';
import { RenderAnswer, RenderDto, TestAnswer, TestCampaignDto } from './render.dto.js';
import { RenderService } from './render.service.js';

const INVALID = { status: 400, description: 'A field is missing or invalid: `message` names it and the reason' };

/** Extensions: messages as devices would get them, before they go to all. The router reads a double colon as one. */
@ApiTags('Campaigns')
@Controller('imfpush/v1/apps/:applicationId')
@UseGuards(ScopeGuard)
export class RenderController {
  constructor(private readonly service: RenderService) {}

  @Post('messages::render')
  @HttpCode(200)
  @RequireScope(['messages.read', 'messages.write', 'campaigns.write'])
  @ApiOperation({
    summary: 'Show what each platform would get, for each language and variant, or what a device would get (extension)',
    description:
      'The bodies are built as for a delivery, and nothing is stored or sent. A body above its limit is shown too.',
  })
  @ApiResponse({ status: 200, type: RenderAnswer })
  @ApiResponse(INVALID)
  @ApiResponse({ status: 404, description: 'Unknown application or device' })
  async render(
    @Param('applicationId') applicationId: string,
    @Body(new StrictBodyPipe(RenderDto)) body: RenderDto,
  ): Promise<RenderAnswer> {
    return { renderings: await this.service.render(applicationId, body) };
  }

  @Get('messages/:messageId/renderings')
  @RequireScope('messages.read')
  @ApiOperation({
    summary: 'Show what each platform gets of a stored message, with names in place of the values (extension)',
  })
  @ApiResponse({ status: 200, type: RenderAnswer })
  @ApiResponse({ status: 404, description: 'Unknown application or message' })
  async renderStored(
    @Param('applicationId') applicationId: string,
    @Param('messageId') messageId: string,
  ): Promise<RenderAnswer> {
    return { renderings: await this.service.renderStored(applicationId, messageId) };
  }

  @Post('campaigns/:campaignId/test')
  @HttpCode(202)
  @RequireScope('campaigns.write')
  @ApiOperation({
    summary: 'Send a campaign to a few devices or users as a test (extension)',
    description:
      'At once, in any state of the campaign. A test is no run: neither overlap, daily caps, quiet hours, rate nor the shares of variants apply, it counts for none of them, and `testOf` marks its messages in reports.',
  })
  @ApiHeader({
    name: 'Idempotency-Key',
    required: false,
    description:
      'Requests of a client with the same key within 24 hours send once and get the same messages as the answer',
  })
  @ApiResponse({ status: 202, type: TestAnswer })
  @ApiResponse(INVALID)
  @ApiResponse({ status: 404, description: 'Unknown application or campaign' })
  @ApiResponse({
    status: 409,
    description: 'The application is disabled, or the Idempotency-Key was used with another request',
  })
  async test(
    @Param('applicationId') applicationId: string,
    @Param('campaignId') campaignId: string,
    @Req() request: AuthorizedRequest,
    @Headers('idempotency-key') key: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Body(new StrictBodyPipe(TestCampaignDto)) body: TestCampaignDto,
  ): Promise<TestAnswer> {
    const { clientId } = request.authorized;
    const idempotency = readIdempotency(key, { testOf: campaignId, ...(request.body as object) });
    const caller = { applicationId, clientId };
    const { messages, warnings, replayed } = await this.service.testCampaign(caller, campaignId, body, idempotency);
    if (replayed) void reply.header('idempotent-replayed', 'true');
    return { messages, ...told(warnings) };
  }
}
