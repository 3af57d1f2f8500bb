import {
  Body,
  Controller,
  Delete,
  Get,
  Header,
  Headers,
  HttpCode,
  Param,
  Post,
  Put,
  Req,
  Res,
  UseGuards,
} from '@nestjs/common';
import { ApiBody, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { noteAct } from '../auth/noted-act.js';
import { RequireScope, ScopeGuard } from '../auth/scope.guard.js';
import { Caller } from '../auth/admin.guard.js';
import type { Actor } from '../auth/audit.repository.js';
import { StrictBodyPipe } from '../common/body.js';
import { DAY_S } from '../common/durations.js';
import { IfMatch } from '../common/if-match.js';
import { readIfMatch, toEtag } from '../common/revision.js';
import {
  ChangeWebhookDto,
  CreateWebhookDto,
  NewWebhookAnswer,
  ReplayWebhookDto,
  RotateWebhookSecretDto,
  RotatedWebhookAnswer,
  WebhookAnswer,
  WebhookAttemptListAnswer,
  WebhookListAnswer,
  WebhookReplayAnswer,
  WebhookReportAnswer,
  WebhookTestAnswer,
  toReportAnswer,
  toWebhookAnswer,
} from './webhook.dto.js';
import { webhookChange } from './webhook.js';
import { webhookRevision } from './webhook.repository.js';
import { WebhooksService } from './webhooks.service.js';

/** Beside those that are changed: a caller may put back what was read. */
const ANSWERED = ['name', 'pending', 'lastError', 'disabledTime', 'disabledReason'];

@ApiTags('Webhooks')
@Controller('imfpush/v1/apps/:applicationId/webhooks')
@UseGuards(ScopeGuard)
export class WebhooksController {
  constructor(private readonly webhooks: WebhooksService) {}

  @Post()
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @RequireScope('webhooks.write')
  @ApiOperation({
    summary: 'Create a webhook',
    description:
      'Each event is posted at least once, those of one device or message in their order, and signed as Standard Webhooks say (`webhook-id`, `webhook-timestamp`, `webhook-signature`). An event is given up after 390 failed tries, which take more than three days; 410 disables the webhook. For one release `X-Carillon-Signature: t=<seconds>,v1=<hex>` is the HMAC-SHA256 of `<t>.<body>` with the text of the secret as the key.',
  })
  @ApiResponse({
    status: 409,
    description: 'FPWSE0002E: the name is taken; CARIL0409E: the application has 20 webhooks',
  })
  async create(
    @Param('applicationId') applicationId: string,
    @Body(new StrictBodyPipe(CreateWebhookDto)) body: CreateWebhookDto,
  ): Promise<NewWebhookAnswer> {
    const { webhook, secret } = await this.webhooks.create(applicationId, body);
    return { ...toWebhookAnswer(webhook), secret };
  }

  @Get()
  @RequireScope('webhooks.read')
  @ApiOperation({ summary: 'List the webhooks with the state of their deliveries (extension)' })
  async list(@Param('applicationId') applicationId: string): Promise<WebhookListAnswer> {
    return { webhooks: (await this.webhooks.list(applicationId)).map(toReportAnswer) };
  }

  @Get(':name')
  @RequireScope('webhooks.read')
  @ApiOperation({ summary: 'Read a webhook and the state of its deliveries (extension)' })
  async read(
    @Param('applicationId') applicationId: string,
    @Param('name') name: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<WebhookReportAnswer> {
    const webhook = await this.webhooks.get(applicationId, name);
    void reply.header('etag', toEtag(webhookRevision(webhook)));
    return toReportAnswer(webhook);
  }

  @Put(':name')
  @IfMatch('webhook')
  @RequireScope('webhooks.write')
  @ApiOperation({ summary: 'Change a webhook, and enable it if it is disabled; the secret stays' })
  async change(
    @Param('applicationId') applicationId: string,
    @Param('name') name: string,
    @Headers('if-match') ifMatch: string | undefined,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Body(new StrictBodyPipe(ChangeWebhookDto, { passes: ANSWERED }))
    { url, eventTypes, labels, campaigns }: ChangeWebhookDto,
  ): Promise<WebhookAnswer> {
    const wanted = { name, url, eventTypes, labels, campaigns };
    const { before, webhook } = await this.webhooks.change(applicationId, wanted, readIfMatch(ifMatch));
    noteAct(request, { detail: webhookChange(before, webhook) });
    void reply.header('etag', toEtag(webhookRevision(webhook)));
    return toWebhookAnswer(webhook);
  }

  @Post(':name/secret')
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @RequireScope('webhooks.write')
  @ApiOperation({
    summary:
      'Rotate the secret: the answer shows the new one, events are signed with the old one too for some time (extension)',
    description:
      'During the overlap `webhook-signature` has two signatures: of the new secret, then of the old one. Accept either.',
  })
  @ApiBody({ type: RotateWebhookSecretDto, required: false })
  @ApiResponse({ status: 409, description: 'CARIL0409E: the overlap of the last rotation has not ended' })
  async rotateSecret(
    @Param('applicationId') applicationId: string,
    @Param('name') name: string,
    @Body(new StrictBodyPipe(RotateWebhookSecretDto, { optional: true })) body: RotateWebhookSecretDto,
    @Caller() caller: Actor,
  ): Promise<RotatedWebhookAnswer> {
    const overlapS = body.overlapSeconds ?? DAY_S;
    const {
      webhook,
      secret,
      secretBeforeUntil: until,
    } = await this.webhooks.rotateSecret(caller, applicationId, name, overlapS);
    return { ...toWebhookAnswer(webhook), secret, ...(until && { secretBeforeUntil: until.toISOString() }) };
  }

  @Delete(':name/secretBefore')
  @HttpCode(204)
  @RequireScope('webhooks.write')
  @ApiOperation({ summary: 'End the overlap of a rotation early; the newest secret stays (extension)' })
  endSecretBefore(
    @Param('applicationId') applicationId: string,
    @Param('name') name: string,
    @Caller() caller: Actor,
  ): Promise<void> {
    return this.webhooks.endSecretBefore(caller, applicationId, name);
  }

  @Get(':name/attempts')
  @RequireScope('webhooks.read')
  @ApiOperation({ summary: 'List the last 50 tries of deliveries, newest first (extension)' })
  async listAttempts(
    @Param('applicationId') applicationId: string,
    @Param('name') name: string,
  ): Promise<WebhookAttemptListAnswer> {
    return { attempts: await this.webhooks.listAttempts(applicationId, name) };
  }

  @Post(':name/test')
  @HttpCode(200)
  @RequireScope('webhooks.write')
  @ApiOperation({
    summary: 'Post a signed event of the type `test` at once; the answer tells the result (extension)',
    description: 'The event is not repeated, and a failure is not counted.',
  })
  test(@Param('applicationId') applicationId: string, @Param('name') name: string): Promise<WebhookTestAnswer> {
    return this.webhooks.test(applicationId, name);
  }

  @Post(':name/retry')
  @HttpCode(204)
  @RequireScope('webhooks.write')
  @ApiOperation({
    summary: 'Try waiting events at once, in place of at their next time; a disabled webhook is enabled (extension)',
  })
  retryNow(@Param('applicationId') applicationId: string, @Param('name') name: string): Promise<void> {
    return this.webhooks.retryNow(applicationId, name);
  }

  @Post(':name/replay')
  @HttpCode(200)
  @RequireScope('webhooks.write')
  @ApiOperation({
    summary: 'Send delivered and given-up events again, with their ids (extension)',
    description:
      'Events are kept for `WEBHOOK_EVENT_DAYS` (7) after the change that they report; older ones are not sent again. An event can arrive after a newer one of its device: compare `eventTimeStamp`.',
  })
  replay(
    @Param('applicationId') applicationId: string,
    @Param('name') name: string,
    @Body(new StrictBodyPipe(ReplayWebhookDto)) body: ReplayWebhookDto,
    @Caller() caller: Actor,
  ): Promise<WebhookReplayAnswer> {
    return this.webhooks.replay(caller, applicationId, name, body);
  }

  @Delete(':name')
  @HttpCode(204)
  @RequireScope('webhooks.write')
  @ApiOperation({ summary: 'Remove a webhook and its events' })
  @IfMatch('webhook')
  remove(
    @Param('applicationId') applicationId: string,
    @Param('name') name: string,
    @Headers('if-match') ifMatch: string | undefined,
  ): Promise<void> {
    return this.webhooks.remove(applicationId, name, readIfMatch(ifMatch));
  }
}
