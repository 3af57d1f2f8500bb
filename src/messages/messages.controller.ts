import { Controller, Delete, Get, Headers, HttpCode, Param, Post, Req, Res, UseGuards } from '@nestjs/common';
import { ApiBody, ApiHeader, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { RequireScope, ScopeGuard } from '../auth/scope.guard.js';
import type { AuthorizedRequest } from '../auth/scope.guard.js';
import { parseJson } from '../common/body.js';
import type { OutcomeName } from '../delivery/outcome.js';
import { SendMessageDto } from './message.dto.js';
import { ResendDto } from './resend.dto.js';
import { ResendService } from './resend.service.js';
import { MessageControlService } from './message-control.service.js';
import type { RelayReport } from './message.repository.js';
import { MessagesService } from './messages.service.js';

interface SendAnswer {
  /** The request, echoed. */
  message: Record<string, unknown>;
  messageId: string;
  warnings?: string[];
}

interface MessageAnswer {
  messageId: string;
  alert: string;
  state: string;
  audience: number;
  outcomes: Record<OutcomeName, number>;
  acceptedTime: string;
  expiresTime: string;
  finishedTime?: string;
  /** The request to the upstream, when the message or a part of it is relayed: one of the audience's deliveries. */
  upstream?: { outcome: OutcomeName; messageId?: string; reason?: string };
  /** The message that this one repeats some deliveries of. */
  resendOf?: string;
  /** The messages that repeat some of this one. */
  resends?: string[];
}

interface ResendAnswer {
  messageId: string;
  resendOf: string;
  warnings?: string[];
}

@ApiTags('Messages')
@Controller('imfpush/v1/apps/:applicationId/messages')
@UseGuards(ScopeGuard)
export class MessagesController {
  constructor(
    private readonly messages: MessagesService,
    private readonly control: MessageControlService,
    private readonly resends: ResendService,
  ) {}

  @Post()
  @HttpCode(202)
  @RequireScope('messages.write')
  @ApiOperation({ summary: 'Send a message: 202 means that it is kept and will be sent' })
  @ApiHeader({
    name: 'Idempotency-Key',
    required: false,
    description: 'Extension: the same key within 24 hours sends once',
  })
  @ApiBody({ type: SendMessageDto })
  @ApiResponse({
    status: 202,
    description: 'Kept. `warnings` (extension) names what was ignored.',
    schema: {
      type: 'object',
      required: ['message', 'messageId'],
      properties: {
        message: { type: 'object', description: 'The request, echoed' },
        messageId: { type: 'string' },
        warnings: { type: 'array', items: { type: 'string' } },
      },
    },
  })
  @ApiResponse({ status: 400, description: 'A field is missing or invalid: `message` names it and says why' })
  @ApiResponse({ status: 404, description: 'Unknown application or tag, or no device of the target is registered' })
  @ApiResponse({
    status: 409,
    description:
      'The Idempotency-Key came with another body, the application is disabled, or two servers relay in a loop',
  })
  async send(
    @Param('applicationId') applicationId: string,
    @Req() request: AuthorizedRequest,
    @Headers('idempotency-key') idempotencyKey: string | undefined,
    @Headers('via') via: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SendAnswer> {
    // JSON whatever the content type says: the vendor's own walk-through sends it as text, and curl -d as a form.
    const body = parseJson(request.body);
    const accepted = await this.messages.acceptMessage(
      applicationId,
      request.authorized.clientId,
      body,
      idempotencyKey,
      via,
    );
    if (accepted.replayed) void reply.header('idempotent-replayed', 'true');
    return {
      message: accepted.body,
      messageId: accepted.messageId,
      ...(accepted.warnings.length > 0 && { warnings: accepted.warnings }),
    };
  }

  @Get(':messageId')
  @RequireScope('messages.read')
  @ApiOperation({ summary: 'What became of a message: its state, and how many deliveries have which outcome' })
  @ApiResponse({
    status: 200,
    schema: {
      type: 'object',
      required: ['messageId', 'alert', 'state', 'audience', 'outcomes', 'acceptedTime', 'expiresTime'],
      properties: {
        messageId: { type: 'string' },
        alert: { type: 'string' },
        state: {
          type: 'string',
          enum: ['accepted', 'expanding', 'sending', 'paused', 'finished', 'cancelled', 'expired'],
        },
        audience: { type: 'integer' },
        outcomes: {
          type: 'object',
          description:
            'pending, inFlight, accepted, rejected, failed, expired, cancelled, unknown: they sum to the audience',
          additionalProperties: { type: 'integer' },
        },
        acceptedTime: { type: 'string', format: 'date-time' },
        expiresTime: { type: 'string', format: 'date-time' },
        finishedTime: { type: 'string', format: 'date-time' },
        upstream: {
          type: 'object',
          description:
            'The request to the upstream, when the message or a part of it is relayed. It counts as one delivery: whom it reaches, the upstream knows',
          required: ['outcome'],
          properties: {
            outcome: { type: 'string' },
            messageId: { type: 'string', description: 'The upstream’s id of the message' },
            reason: { type: 'string', description: 'The last trouble, when it was not accepted' },
          },
        },
        resendOf: { type: 'string', description: 'The message that this one repeats some deliveries of' },
        resends: { type: 'array', items: { type: 'string' }, description: 'Messages that repeat some of this one' },
      },
    },
  })
  @ApiResponse({ status: 404, description: 'Unknown application or message' })
  async read(
    @Param('applicationId') applicationId: string,
    @Param('messageId') messageId: string,
  ): Promise<MessageAnswer> {
    const report = await this.messages.readMessage(applicationId, messageId);
    return {
      messageId: report.id,
      alert: report.alert,
      state: report.state,
      audience: report.audience,
      outcomes: report.outcomes,
      acceptedTime: report.acceptedAt.toISOString(),
      expiresTime: report.expiresAt.toISOString(),
      ...(report.finishedAt && { finishedTime: report.finishedAt.toISOString() }),
      ...(report.upstream && { upstream: toRelayAnswer(report.upstream) }),
      ...(report.resendOf !== null && { resendOf: report.resendOf }),
      ...(report.resends.length > 0 && { resends: report.resends }),
    };
  }

  @Delete(':messageId')
  @HttpCode(204)
  @RequireScope('messages.write')
  @ApiOperation({ summary: 'Cancel what has not left' })
  @ApiResponse({ status: 404, description: 'Unknown application or message' })
  @ApiResponse({ status: 409, description: 'Nothing is left to cancel' })
  cancel(@Param('applicationId') applicationId: string, @Param('messageId') messageId: string): Promise<void> {
    return this.control.cancelMessage(applicationId, messageId);
  }

  @Post(':messageId/pause')
  @HttpCode(204)
  @RequireScope('messages.write')
  @ApiOperation({
    summary: 'Write nothing new of a message until it is resumed; its time to live goes on (extension)',
  })
  @ApiResponse({ status: 204, description: 'It is paused, also when it was before' })
  @ApiResponse({ status: 404, description: 'Unknown application or message' })
  @ApiResponse({ status: 409, description: 'Nothing is left to pause' })
  pause(@Param('applicationId') applicationId: string, @Param('messageId') messageId: string): Promise<void> {
    return this.control.pauseMessage(applicationId, messageId);
  }

  @Post(':messageId/resume')
  @HttpCode(204)
  @RequireScope('messages.write')
  @ApiOperation({ summary: 'Go on with a paused message where it stopped (extension)' })
  @ApiResponse({ status: 204, description: 'It goes on, also when it was not paused' })
  @ApiResponse({ status: 404, description: 'Unknown application or message' })
  @ApiResponse({ status: 409, description: 'Nothing is left, or the application is paused at the providers' })
  resume(@Param('applicationId') applicationId: string, @Param('messageId') messageId: string): Promise<void> {
    return this.control.resumeMessage(applicationId, messageId);
  }

  @Post(':messageId/resend')
  @HttpCode(202)
  @RequireScope('messages.write')
  @ApiOperation({
    summary: 'Send a message that has ended again, to exactly the deliveries with certain outcomes (extension)',
  })
  @ApiHeader({ name: 'Idempotency-Key', required: false, description: 'The same key within 24 hours sends once' })
  @ApiBody({ type: ResendDto })
  @ApiResponse({
    status: 202,
    description: 'Kept, as a message of its own',
    schema: {
      type: 'object',
      required: ['messageId', 'resendOf'],
      properties: {
        messageId: { type: 'string' },
        resendOf: { type: 'string' },
        warnings: { type: 'array', items: { type: 'string' } },
      },
    },
  })
  @ApiResponse({ status: 400, description: 'A field is missing or invalid: `message` names it and says why' })
  @ApiResponse({ status: 404, description: 'Unknown application or message' })
  @ApiResponse({
    status: 409,
    description: 'The message still moves, the Idempotency-Key came with another body, or the application is disabled',
  })
  async resend(
    @Param('applicationId') applicationId: string,
    @Param('messageId') messageId: string,
    @Req() request: AuthorizedRequest,
    @Headers('idempotency-key') idempotencyKey: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ResendAnswer> {
    const body = parseJson(request.body);
    const { clientId } = request.authorized;
    const accepted = await this.resends.resendMessage(applicationId, clientId, messageId, body, idempotencyKey);
    if (accepted.replayed) void reply.header('idempotent-replayed', 'true');
    return {
      messageId: accepted.messageId,
      resendOf: messageId,
      ...(accepted.warnings.length > 0 && { warnings: accepted.warnings }),
    };
  }
}

function toRelayAnswer({ outcome, messageId, reason }: RelayReport): MessageAnswer['upstream'] {
  return { outcome, ...(messageId !== null && { messageId }), ...(reason !== null && { reason }) };
}
