import { Controller, Delete, Headers, HttpCode, Param, Post, Query, Req, Res, UseGuards } from '@nestjs/common';
import { ApiBody, ApiHeader, ApiOperation, ApiQuery, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { RequireScope, ScopeGuard } from '../../auth/scope.guard.js';
import type { AuthorizedRequest } from '../../auth/scope.guard.js';
import { parseJson } from '../../common/body.js';
import { prefers } from '../../common/prefer.js';
import { readQuery, readWord } from '../../common/query.js';
import type { Query as QueryOf } from '../../common/query.js';
import { TakesBody } from '../../common/takes-body.js';
import { Caller } from '../../auth/admin.guard.js';
import type { Actor } from '../../auth/audit.repository.js';
import { inAcceptSpan } from '../send/accept-span.js';
import { ApprovalService } from './approval.service.js';
import { MessageControlService } from './message-control.service.js';
import type { CancelCounts } from './message-control.service.js';
import { ResendDto } from './resend.dto.js';
import { ResendService } from './resend.service.js';

/** The first is that of the vendor's document, which callers ask a token for; the second does not cover sending. */
const CONTROL = ['messages.write', 'messages.control'];

interface ResendAnswer {
  messageId: string;
  resendOf: string;
}

@ApiTags('Messages')
@Controller('imfpush/v1/apps/:applicationId/messages')
@UseGuards(ScopeGuard)
export class MessageControlController {
  constructor(
    private readonly control: MessageControlService,
    private readonly resends: ResendService,
    private readonly approvals: ApprovalService,
  ) {}

  @Delete(':messageId')
  @HttpCode(204)
  @RequireScope(CONTROL)
  @ApiOperation({
    summary: 'Cancel the deliveries of a message that were not sent',
    description: 'The answer waits, for three seconds at most, until no worker sends any more of the message.',
  })
  @ApiQuery({
    name: 'counts',
    required: false,
    enum: ['true', 'false'],
    description: 'Extension: answer 200 with the counts. `Prefer: return=representation` has the same effect.',
  })
  @ApiResponse({
    status: 200,
    description: 'Extension: deliveries that were stopped, that had ended before, and that may have been sent',
    schema: {
      type: 'object',
      required: ['stopped', 'gone', 'unknown', 'final'],
      properties: {
        stopped: { type: 'integer' },
        gone: { type: 'integer' },
        unknown: { type: 'integer' },
        final: { type: 'boolean', description: 'False: a worker has not reported yet; read the message later' },
      },
    },
  })
  @ApiResponse({ status: 204, description: 'Cancelled, now or before' })
  @ApiResponse({ status: 404, description: 'Unknown application or message' })
  @ApiResponse({ status: 409, description: 'The message has ended' })
  async cancel(
    @Param('applicationId') applicationId: string,
    @Param('messageId') messageId: string,
    @Query() query: QueryOf,
    @Headers('prefer') prefer: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<CancelCounts | undefined> {
    const counts = readWord('counts', readQuery(query, ['counts']).counts, ['true', 'false']);
    const final = await this.control.cancelMessage(applicationId, messageId);
    if (counts !== 'true' && !prefers(prefer, 'return', 'representation')) return undefined;
    void reply.status(200);
    return this.control.countCancelled(applicationId, messageId, final);
  }

  @Post(':messageId/approve')
  @HttpCode(204)
  @RequireScope('messages.approve')
  @ApiOperation({
    summary: 'Approve a message that waits for approval, as another client or person than its sender (extension)',
    description:
      'The message cannot be changed, so the approval is of its text and target. If its `sendAt` has passed meanwhile, it is sent at once.',
  })
  @ApiResponse({ status: 204, description: 'Approved: the message is sent now, or at its `sendAt`' })
  @ApiResponse({ status: 404, description: 'Unknown application or message' })
  @ApiResponse({ status: 409, description: 'The message does not wait for approval, or has expired meanwhile' })
  approve(
    @Param('applicationId') applicationId: string,
    @Param('messageId') messageId: string,
    @Caller() caller: Actor,
  ): Promise<void> {
    return this.approvals.approveMessage(caller, applicationId, messageId);
  }

  @Post(':messageId/pause')
  @HttpCode(204)
  @RequireScope(CONTROL)
  @ApiOperation({
    summary: 'Pause a message: no further delivery is sent until it is resumed; its time to live goes on (extension)',
  })
  @ApiResponse({ status: 204, description: 'Paused, now or before' })
  @ApiResponse({ status: 404, description: 'Unknown application or message' })
  @ApiResponse({ status: 409, description: 'The message has ended' })
  pause(@Param('applicationId') applicationId: string, @Param('messageId') messageId: string): Promise<void> {
    return this.control.pauseMessage(applicationId, messageId);
  }

  @Post(':messageId/resume')
  @HttpCode(204)
  @RequireScope(CONTROL)
  @ApiOperation({ summary: 'Resume a paused message (extension)' })
  @ApiResponse({ status: 204, description: 'Resumed, or not paused' })
  @ApiResponse({ status: 404, description: 'Unknown application or message' })
  @ApiResponse({ status: 409, description: 'The message has ended, or the application is paused at the providers' })
  resume(@Param('applicationId') applicationId: string, @Param('messageId') messageId: string): Promise<void> {
    return this.control.resumeMessage(applicationId, messageId);
  }

  @Post(':messageId/resend')
  @TakesBody()
  @HttpCode(202)
  @RequireScope('messages.write')
  @ApiOperation({
    summary: 'Send a message again that has ended, for exactly the deliveries with the given outcomes (extension)',
  })
  @ApiHeader({
    name: 'Idempotency-Key',
    required: false,
    description: 'Requests with the same key within 24 hours send one message',
  })
  @ApiBody({ type: ResendDto })
  @ApiResponse({
    status: 202,
    description: 'Stored, as a message of its own',
    schema: {
      type: 'object',
      required: ['messageId', 'resendOf'],
      properties: {
        messageId: { type: 'string' },
        resendOf: { type: 'string' },
      },
    },
  })
  @ApiResponse({ status: 400, description: 'A field is missing or invalid: `message` names it and the reason' })
  @ApiResponse({ status: 404, description: 'Unknown application or message' })
  @ApiResponse({
    status: 409,
    description:
      'The message has not ended, the Idempotency-Key was used with another body, or the application is disabled',
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
    const accepted = await inAcceptSpan(request, applicationId, ({ traceparent }) =>
      this.resends.resendMessage({ applicationId, clientId, traceparent }, messageId, body, idempotencyKey),
    );
    if (accepted.replayed) void reply.header('idempotent-replayed', 'true');
    return { messageId: accepted.messageId, resendOf: messageId };
  }
}
