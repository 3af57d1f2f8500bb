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
  Req,
  Res,
  UseGuards,
} from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { auditedTarget, changesBetween } from '../../auth/audited-changes.js';
import { noteAct } from '../../auth/noted-act.js';
import { RequireScope, ScopeGuard } from '../../auth/scope.guard.js';
import type { AuthorizedRequest } from '../../auth/scope.guard.js';
import { StrictBodyPipe } from '../../common/body.js';
import { IfMatch } from '../../common/if-match.js';
import { readIfMatch, toEtag } from '../../common/revision.js';
import { readAudienceName } from '../request/target.js';
import { AudienceCountService } from './audience-count.service.js';
import {
  AudienceAnswer,
  AudienceCountAnswer,
  AudienceListAnswer,
  CountAudienceDto,
  CreateAudienceDto,
  ReplaceAudienceDto,
  toAudienceAnswer,
} from './audience.dto.js';
import type { SavedAudience } from './saved-audience.repository.js';
import { SavedAudiencesService, audienceRevision } from './saved-audiences.service.js';

const UNKNOWN = { status: 404, description: 'Unknown application or audience' };
const INVALID = { status: 400, description: 'A field is missing or invalid: `message` names it and the reason' };

/** Extensions: the size of an audience, and audiences with a name. The router reads a double colon as one. */
@ApiTags('Audiences')
@Controller('imfpush/v1/apps/:applicationId')
@UseGuards(ScopeGuard)
export class AudiencesController {
  constructor(
    private readonly audiences: SavedAudiencesService,
    private readonly counts: AudienceCountService,
  ) {}

  @Post('audience::count')
  @HttpCode(200)
  @RequireScope(['devices.read', 'messages.write', 'campaigns.write'])
  @ApiOperation({
    summary: 'Count the audience that a message with this target would have now (extension)',
    description:
      'Costs 0.3 s of the database for a million devices, so ask once for each target, not on a timer. In an application with more than a million devices a target without ids is estimated from a sample (`exact` is false) unless the body has `"exact": true`.',
  })
  @ApiResponse({ status: 200, type: AudienceCountAnswer })
  @ApiResponse(INVALID)
  @ApiResponse({ status: 404, description: 'Unknown application, tag or audience' })
  count(
    @Param('applicationId') applicationId: string,
    @Body(new StrictBodyPipe(CountAudienceDto)) { target, exact }: CountAudienceDto,
  ): Promise<AudienceCountAnswer> {
    return this.counts.count(applicationId, target ?? undefined, { exact: exact ?? false });
  }

  @Get('audiences')
  @RequireScope('audiences.read')
  @ApiOperation({ summary: 'List the saved audiences by name (extension)' })
  @ApiResponse({ status: 200, type: AudienceListAnswer })
  async list(@Param('applicationId') applicationId: string): Promise<AudienceListAnswer> {
    return { audiences: (await this.audiences.list(applicationId)).map(toAudienceAnswer) };
  }

  @Post('audiences')
  @RequireScope(['audiences.write', 'campaigns.write'])
  @ApiOperation({
    summary: 'Save an audience: a target with a name, for `target.audience` of messages and campaigns (extension)',
    description:
      'A message keeps the target as it is when the message is accepted. A campaign takes the target as it is at each firing.',
  })
  @ApiResponse({ status: 201, type: AudienceAnswer })
  @ApiResponse(INVALID)
  @ApiResponse({ status: 409, description: 'FPWSE0002E: the name is taken; CARIL0409E: 200 audiences are saved' })
  async create(
    @Param('applicationId') applicationId: string,
    @Req() request: AuthorizedRequest,
    @Body(new StrictBodyPipe(CreateAudienceDto)) { name, description, target }: CreateAudienceDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<AudienceAnswer> {
    const changedBy = request.authorized.clientId;
    const audience = { name: readAudienceName('name', name), description: description ?? '', target, changedBy };
    return answer(reply, await this.audiences.add(applicationId, audience));
  }

  @Get('audiences/:name')
  @RequireScope('audiences.read')
  @ApiOperation({ summary: 'Read a saved audience; the `ETag` names its revision (extension)' })
  @ApiResponse({ status: 200, type: AudienceAnswer })
  @ApiResponse(UNKNOWN)
  async read(
    @Param('applicationId') applicationId: string,
    @Param('name') name: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<AudienceAnswer> {
    return answer(reply, await this.audiences.get(applicationId, name));
  }

  @Put('audiences/:name')
  @RequireScope(['audiences.write', 'campaigns.write'])
  @ApiOperation({ summary: 'Replace a saved audience (extension)' })
  @IfMatch('audience')
  @ApiResponse({ status: 200, type: AudienceAnswer })
  @ApiResponse(INVALID)
  @ApiResponse(UNKNOWN)
  async replace(
    @Param('applicationId') applicationId: string,
    @Param('name') name: string,
    @Headers('if-match') ifMatch: string | undefined,
    @Req() request: AuthorizedRequest,
    @Body(new StrictBodyPipe(ReplaceAudienceDto)) { description, target }: ReplaceAudienceDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<AudienceAnswer> {
    const changedBy = request.authorized.clientId;
    const wanted = { name, description: description ?? '', target, changedBy };
    const { before, audience } = await this.audiences.replace(applicationId, wanted, readIfMatch(ifMatch));
    noteAct(request, { detail: { ...changesBetween(audited(before), audited(audience)) } });
    return answer(reply, audience);
  }

  @Delete('audiences/:name')
  @HttpCode(204)
  @RequireScope(['audiences.write', 'campaigns.write'])
  @ApiOperation({
    summary: 'Remove a saved audience; a campaign that names it skips its firings from then on (extension)',
  })
  @IfMatch('audience')
  @ApiResponse({ status: 204, description: 'Removed' })
  @ApiResponse(UNKNOWN)
  remove(
    @Param('applicationId') applicationId: string,
    @Param('name') name: string,
    @Headers('if-match') ifMatch: string | undefined,
  ): Promise<void> {
    return this.audiences.remove(applicationId, name, readIfMatch(ifMatch));
  }
}

function audited({ description, target }: SavedAudience): object {
  return { description, target: auditedTarget(target) };
}

function answer(reply: FastifyReply, audience: SavedAudience): AudienceAnswer {
  void reply.header('etag', toEtag(audienceRevision(audience)));
  return toAudienceAnswer(audience);
}
