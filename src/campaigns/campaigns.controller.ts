import {
  Body,
  Controller,
  Delete,
  Get,
  Headers,
  HttpCode,
  Param,
  Post,
  Put,
  Query,
  Req,
  Res,
  UseGuards,
} from '@nestjs/common';
import { ApiBody, ApiHeader, ApiOperation, ApiQuery, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { readClientId } from '../auth/client.js';
import { noteAct } from '../auth/noted-act.js';
import { RequireScope, ScopeGuard } from '../auth/scope.guard.js';
import type { AuthorizedRequest } from '../auth/scope.guard.js';
import { StrictBodyPipe } from '../common/body.js';
import { PREFER_STRICT, prefersStrict } from '../common/prefer.js';
import { MayLag } from '../common/may-lag.js';
import { IfMatch } from '../common/if-match.js';
import { readIfMatch, toEtag } from '../common/revision.js';
import { readQuery, readText, readWord } from '../common/query.js';
import type { Query as QueryOf } from '../common/query.js';
import { definitionChange } from './audited-definition.js';
import type { Warning } from '../messages/request/warning.js';
import { readIdempotency } from '../messages/send/idempotency.js';
import { CampaignAnswer, CampaignListAnswer, RemovedCampaignAnswer, toCampaignAnswer } from './campaign.answers.js';
import { CampaignDto, DuplicateDto } from './campaign.dto.js';
import type { Campaign } from './campaign.repository.js';
import { CampaignsService, definitionRevision } from './campaigns.service.js';
import type { MadeCampaign } from './campaigns.service.js';
import { CountPipe } from './campaign.pipes.js';

/** A refusal names the first; the second covers neither a change nor an activation. */
const CONTROL = ['campaigns.write', 'campaigns.control'];
const CONFLICT = {
  status: 409,
  description:
    'FPWSE0002E: the Idempotency-Key was used with another request. CARIL0409E: the application has the maximum number of campaigns',
};
const KEY = {
  name: 'Idempotency-Key',
  required: false,
  description:
    'Requests of a client with the same key within 24 hours make one campaign, and each is answered with it; a different request under the key is refused',
};
const INVALID = { status: 400, description: 'A field is missing or invalid: `message` names it and the reason' };
const CAMPAIGN = { status: 200, type: CampaignAnswer };
const UNKNOWN = { status: 404, description: 'Unknown application or campaign' };

@ApiTags('Campaigns')
@Controller('imfpush/v1/apps/:applicationId/campaigns')
@UseGuards(ScopeGuard)
export class CampaignsController {
  constructor(private readonly campaigns: CampaignsService) {}

  @Post()
  @RequireScope('campaigns.write')
  @ApiOperation({
    summary: 'Create a campaign: a message on a schedule, as a draft until it is activated (extension)',
  })
  @ApiHeader(KEY)
  @ApiHeader(PREFER_STRICT)
  @ApiBody({ type: CampaignDto })
  @ApiResponse({ status: 201, type: CampaignAnswer, description: 'Created. `warnings` names ignored fields.' })
  @ApiResponse(INVALID)
  @ApiResponse(CONFLICT)
  async create(
    @Param('applicationId') applicationId: string,
    @Req() request: AuthorizedRequest,
    @Headers('idempotency-key') key: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Body(new StrictBodyPipe(CampaignDto)) body: CampaignDto,
  ): Promise<CampaignAnswer> {
    const { clientId } = request.authorized;
    const strict = prefersStrict(request, reply);
    const idempotency = readIdempotency(key, request.body);
    const made = await this.campaigns.createCampaign({ applicationId, clientId, strict }, body, idempotency);
    return answerMade(reply, made);
  }

  @Get()
  @MayLag()
  @RequireScope('campaigns.read')
  @ApiOperation({ summary: 'List the campaigns of an application, oldest first (extension)' })
  @ApiQuery({ name: 'after', required: false, description: 'The last campaign id of the previous page' })
  @ApiQuery({ name: 'limit', required: false, schema: { type: 'integer', minimum: 1, maximum: 100, default: 50 } })
  @ApiQuery({ name: 'clientId', required: false, description: 'Created by exactly this client' })
  @ApiResponse({ status: 200, type: CampaignListAnswer })
  async list(
    @Param('applicationId') applicationId: string,
    @Query('after') after: string | undefined,
    @Query('limit', new CountPipe('limit', 50, 100)) limit: number,
    @Query() query: QueryOf,
  ): Promise<CampaignListAnswer> {
    const campaigns = await this.campaigns.listCampaigns(applicationId, {
      after,
      limit,
      clientId: readClientId(readText(query, 'clientId')),
    });
    return { campaigns: campaigns.map((campaign) => toCampaignAnswer(campaign)) };
  }

  @Get(':campaignId')
  @RequireScope('campaigns.read')
  @ApiOperation({ summary: 'Read a campaign (extension)' })
  @ApiResponse(CAMPAIGN)
  @ApiResponse(UNKNOWN)
  async read(
    @Param('applicationId') applicationId: string,
    @Param('campaignId') campaignId: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<CampaignAnswer> {
    const campaign = await this.campaigns.readCampaign(applicationId, campaignId);
    const revision = await this.campaigns.reviewRevision(applicationId, campaign);
    return Object.assign(answer(reply, campaign), { revision });
  }

  @Put(':campaignId')
  @RequireScope('campaigns.write')
  @ApiOperation({
    summary:
      'Replace a campaign. An active campaign continues with the new schedule; unfinished runs are not changed (extension)',
  })
  @IfMatch('campaign')
  @ApiHeader(PREFER_STRICT)
  @ApiBody({ type: CampaignDto })
  @ApiResponse(CAMPAIGN)
  @ApiResponse(INVALID)
  @ApiResponse(UNKNOWN)
  async replace(
    @Param('applicationId') applicationId: string,
    @Param('campaignId') campaignId: string,
    @Req() request: AuthorizedRequest,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Body(new StrictBodyPipe(CampaignDto)) body: CampaignDto,
  ): Promise<CampaignAnswer> {
    const strict = prefersStrict(request, reply);
    const { clientId } = request.authorized;
    const { before, campaign, warnings } = await this.campaigns.replaceCampaign(
      { applicationId, clientId, strict },
      campaignId,
      body,
      readIfMatch(ifMatch),
    );
    noteAct(request, { detail: definitionChange(before, campaign.definition) });
    return answer(reply, campaign, warnings);
  }

  @Delete(':campaignId')
  @HttpCode(204)
  @RequireScope('campaigns.write')
  @ApiOperation({ summary: 'Delete a campaign and its runs; its messages stay (extension)' })
  @IfMatch('campaign')
  @ApiQuery({
    name: 'cancel',
    required: false,
    enum: ['true', 'false'],
    description: 'Cancel the unfinished messages and the remaining waves of their runs. Default: they continue',
  })
  @ApiResponse({
    status: 200,
    type: RemovedCampaignAnswer,
    description: 'The unfinished messages, which continue or are cancelled',
  })
  @ApiResponse({ status: 204, description: 'No message was unfinished' })
  @ApiResponse(UNKNOWN)
  async remove(
    @Param('applicationId') applicationId: string,
    @Param('campaignId') campaignId: string,
    @Headers('if-match') ifMatch: string | undefined,
    @Query() query: QueryOf,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<RemovedCampaignAnswer | undefined> {
    const cancel = readWord('cancel', readQuery(query, ['cancel']).cancel, ['true', 'false']) === 'true';
    const revisions = readIfMatch(ifMatch);
    const moving = await this.campaigns.removeCampaign(applicationId, campaignId, { cancel }, revisions);
    if (moving.length === 0) return undefined;
    void reply.status(200);
    return { messages: moving.map(({ id, state }) => ({ messageId: id, state })) };
  }

  @Post(':campaignId/activate')
  @HttpCode(200)
  @RequireScope('campaigns.write')
  @ApiOperation({ summary: 'Activate a campaign, which then fires by its schedule (extension)' })
  @ApiResponse(CAMPAIGN)
  @ApiResponse({ status: 400, description: 'The schedule would never fire: `message` gives the reason' })
  @ApiResponse(UNKNOWN)
  async activate(
    @Param('applicationId') applicationId: string,
    @Param('campaignId') campaignId: string,
  ): Promise<CampaignAnswer> {
    return toCampaignAnswer(await this.campaigns.activateCampaign(applicationId, campaignId));
  }

  @Post(':campaignId/pause')
  @HttpCode(200)
  @RequireScope(CONTROL)
  @ApiOperation({
    summary: 'Pause the firings of a campaign. Unfinished messages continue (extension)',
  })
  @ApiResponse(CAMPAIGN)
  @ApiResponse(UNKNOWN)
  @ApiResponse({ status: 409, description: 'The campaign is a draft, or has finished' })
  async pause(
    @Param('applicationId') applicationId: string,
    @Param('campaignId') campaignId: string,
  ): Promise<CampaignAnswer> {
    return toCampaignAnswer(await this.campaigns.pauseCampaign(applicationId, campaignId));
  }

  @Post(':campaignId/resume')
  @HttpCode(200)
  @RequireScope(CONTROL)
  @ApiOperation({
    summary: 'Resume a campaign. Firings during the pause are not repeated (extension)',
  })
  @ApiResponse(CAMPAIGN)
  @ApiResponse({ status: 400, description: 'The schedule would never fire: `message` gives the reason' })
  @ApiResponse(UNKNOWN)
  @ApiResponse({ status: 409, description: 'The campaign is a draft, or has finished' })
  async resume(
    @Param('applicationId') applicationId: string,
    @Param('campaignId') campaignId: string,
  ): Promise<CampaignAnswer> {
    return toCampaignAnswer(await this.campaigns.resumeCampaign(applicationId, campaignId));
  }

  @Post(':campaignId/duplicate')
  @RequireScope('campaigns.write')
  @ApiOperation({ summary: 'Copy a campaign as a draft (extension)' })
  @ApiHeader(KEY)
  @ApiBody({ type: DuplicateDto, required: false })
  @ApiResponse({ status: 201, type: CampaignAnswer })
  @ApiResponse(UNKNOWN)
  @ApiResponse(CONFLICT)
  async duplicate(
    @Param('applicationId') applicationId: string,
    @Param('campaignId') campaignId: string,
    @Req() request: AuthorizedRequest,
    @Headers('idempotency-key') key: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Body(new StrictBodyPipe(DuplicateDto, { optional: true })) body: DuplicateDto,
  ): Promise<CampaignAnswer> {
    const { clientId } = request.authorized;
    const idempotency = readIdempotency(key, { copyOf: campaignId, name: body.name });
    const author = { applicationId, clientId };
    return answerMade(reply, await this.campaigns.duplicateCampaign(author, campaignId, body.name, idempotency));
  }
}

function answerMade(reply: FastifyReply, { campaign, warnings, replayed }: MadeCampaign): CampaignAnswer {
  if (replayed) void reply.header('idempotent-replayed', 'true');
  return answer(reply, campaign, warnings);
}

function answer(reply: FastifyReply, campaign: Campaign, warnings: readonly Warning[] = []): CampaignAnswer {
  void reply.header('etag', toEtag(definitionRevision(campaign)));
  return toCampaignAnswer(campaign, warnings);
}
