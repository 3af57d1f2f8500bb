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
import { ApiOperation, ApiQuery, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Caller } from '../auth/admin.guard.js';
import type { Actor } from '../auth/audit.repository.js';
import { BearerOrSession } from '../auth/bearer-or-session.js';
import { RequireElement, RequireScope, ScopeGuard } from '../auth/scope.guard.js';
import { BodyPipe } from '../common/body.js';
import { isGiven } from '../common/lenient.js';
import { readFilter } from '../common/filter.js';
import { ApiFilter, ApiPaging, readExpand, readPage, toPageInfo } from '../common/paging.js';
import { readText, readWord } from '../common/query.js';
import { IfMatch } from '../common/if-match.js';
import { readIfMatch, toEtag } from '../common/revision.js';
import type { Query as QueryOf } from '../common/query.js';
import {
  ApplicationAnswer,
  ApplicationListAnswer,
  ChangeStatusDto,
  CreateApplicationDto,
  StatusAnswer,
  toApplicationAnswer,
  toStatusAnswer,
} from './application.dto.js';
import { APPLICATION_FILTERS, statusRevision } from './application.repository.js';
import { ApplicationsService } from './applications.service.js';
import { ReceiptKeys } from './receipt-keys.js';

@ApiTags('Applications')
@Controller('imfpush/v1/apps')
@UseGuards(ScopeGuard)
export class ApplicationsController {
  constructor(
    private readonly applications: ApplicationsService,
    private readonly callers: BearerOrSession,
    private readonly receiptKeys: ReceiptKeys,
  ) {}

  @Get()
  @RequireScope('apps.read')
  @ApiOperation({ summary: 'List the applications, by id' })
  @ApiPaging('If `true`, each item has `enabled`')
  @ApiFilter('`applicationId`')
  async list(@Query() query: QueryOf, @Req() request: FastifyRequest): Promise<ApplicationListAnswer> {
    const page = readPage(query);
    const filter = readFilter(query, APPLICATION_FILTERS);
    // The default is false here only, because MobileFirst's sample of this list has short items.
    const expand = readExpand(query, false);
    const found = await this.applications.listApplications(filter, page);
    return {
      applications: found.rows.map((application) =>
        expand ? toApplicationAnswer(application) : { applicationId: application.id },
      ),
      pageInfo: toPageInfo(request.url, page, found),
    };
  }

  @Post()
  @RequireElement('apps.write')
  @ApiOperation({ summary: 'Create an application' })
  @ApiResponse({
    status: 409,
    description: 'FPWSE0002E: the id is taken; CARIL0409E: the application of this id is still being removed',
  })
  async create(
    @Body(new BodyPipe(CreateApplicationDto)) body: CreateApplicationDto,
    @Req() request: FastifyRequest,
  ): Promise<ApplicationAnswer> {
    // The guard checked the caller before the body was read, which names the application.
    await this.callers.authorize(request, [['apps.write', `push.application.${body.applicationId}`]]);
    return toApplicationAnswer(
      await this.applications.createApplication({
        id: body.applicationId,
        enabled: body.enabled ?? true,
        strict: body.strict ?? undefined,
      }),
    );
  }

  @Get(':applicationId')
  @RequireScope('apps.read')
  @ApiOperation({ summary: 'Read an application' })
  async read(@Param('applicationId') applicationId: string): Promise<ApplicationAnswer> {
    return toApplicationAnswer(await this.applications.getApplication(applicationId));
  }

  @Delete(':applicationId')
  @HttpCode(204)
  @RequireScope('apps.write')
  @ApiOperation({
    summary: 'Remove an application with its settings, devices, tags, subscriptions and messages',
    description:
      'The application disappears at once and none of its messages is sent any more. The rows of a large application are deleted in steps.',
  })
  @ApiQuery({
    name: 'devices',
    required: false,
    enum: ['delete'],
    description: 'Extension: required if the application has devices',
  })
  @ApiResponse({ status: 400, description: '`devices` is not `delete`' })
  @ApiResponse({ status: 409, description: 'CARIL0409E: the application has devices, and `devices=delete` is missing' })
  remove(
    @Param('applicationId') applicationId: string,
    @Query() query: QueryOf,
    @Caller() caller: Actor,
  ): Promise<void> {
    const devices = readWord('devices', readText(query, 'devices'), ['delete']) === 'delete';
    return this.applications.removeApplication(caller, applicationId, { devices });
  }

  @Post(':applicationId/stop')
  @HttpCode(200)
  @RequireScope('apps.write')
  @ApiOperation({
    summary: 'Stop an application at once: nothing is sent until the stop is lifted (extension)',
    description:
      'The answer waits, for three seconds at most, until no worker sends any more for this application. Unfinished messages are kept, and their time to live goes on. New messages are refused with 409, and campaigns do not fire.',
  })
  stop(@Param('applicationId') applicationId: string, @Caller() caller: Actor): Promise<ApplicationAnswer> {
    return this.applications.stopApplication(caller, applicationId).then(toApplicationAnswer);
  }

  @Delete(':applicationId/stop')
  @RequireScope('apps.write')
  @ApiOperation({ summary: 'Lift the stop of an application: unfinished messages continue (extension)' })
  liftStop(@Param('applicationId') applicationId: string, @Caller() caller: Actor): Promise<ApplicationAnswer> {
    return this.applications.liftStop(caller, applicationId).then(toApplicationAnswer);
  }

  @Get(':applicationId/status')
  @RequireScope('apps.read')
  @ApiOperation({ summary: 'Read whether an application may send' })
  async readStatus(
    @Param('applicationId') applicationId: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<StatusAnswer> {
    const application = await this.applications.getApplication(applicationId);
    void reply.header('etag', toEtag(statusRevision(application)));
    return toStatusAnswer(application);
  }

  @Put(':applicationId/status')
  @IfMatch('application')
  @RequireScope('apps.write')
  @ApiOperation({ summary: 'Enable or disable an application; a disabled application accepts no messages' })
  async changeStatus(
    @Param('applicationId') applicationId: string,
    @Body(new BodyPipe(ChangeStatusDto)) body: ChangeStatusDto,
    @Caller() caller: Actor,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ApplicationAnswer> {
    const change = {
      enabled: body.enabled,
      strict: body.strict ?? undefined,
      approvalAbove: body.approval === null ? null : body.approval?.above,
      receiptKey: isGiven(body.receipts) ? (body.receipts ? this.receiptKeys.make(applicationId) : null) : undefined,
      allowedOrigins: body.allowedOrigins ?? undefined,
    };
    const changed = await this.applications.changeStatus(caller, applicationId, change, readIfMatch(ifMatch));
    void reply.header('etag', toEtag(statusRevision(changed)));
    return toApplicationAnswer(changed);
  }
}
