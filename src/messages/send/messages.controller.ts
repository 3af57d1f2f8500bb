import { Controller, Headers, HttpCode, Param, Post, Query, Req, Res, UseGuards } from '@nestjs/common';
import { ApiBody, ApiExtraModels, ApiHeader, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { noteAct } from '../../auth/noted-act.js';
import { RequireScope, ScopeGuard } from '../../auth/scope.guard.js';
import type { AuthorizedRequest } from '../../auth/scope.guard.js';
import { parseJson } from '../../common/body.js';
import { ApiError, printable } from '../../common/errors.js';
import { PREFER_STRICT, prefersStrict } from '../../common/prefer.js';
import type { Query as QueryOf } from '../../common/query.js';
import { TIME } from '../../common/schema.js';
import { TakesBody } from '../../common/takes-body.js';
import { inAcceptSpan } from './accept-span.js';
import { BulkService } from './bulk.service.js';
import { DryRunService } from './dry-run.service.js';
import { SendMessageDto } from '../request/message.dto.js';
import { DryRunAnswer } from './dry-run.answers.js';
import { MessagesService } from './messages.service.js';
import { looksLikeRestriction } from '../request/restriction.js';
import { WARNED, WarningAnswer } from '../request/warning.answers.js';
import { told } from '../request/warning.js';

interface SendAnswer {
  /** The request body. */
  message: Record<string, unknown>;
  messageId: string;
  warnings?: string[];
  warningDetails?: WarningAnswer[];
}

interface BulkAnswer {
  messages: (Omit<SendAnswer, 'message'> & { alert: string; createdTime: string; href: string })[];
}

const LINES = 'Lines (`application/x-ndjson`) are for imports; under any other content type the body is read as JSON';

@ApiTags('Messages')
@ApiExtraModels(WarningAnswer)
@Controller('imfpush/v1/apps/:applicationId/messages')
@UseGuards(ScopeGuard)
export class MessagesController {
  constructor(
    private readonly messages: MessagesService,
    private readonly bulks: BulkService,
    private readonly dryRuns: DryRunService,
  ) {}

  @Post()
  @TakesBody()
  @HttpCode(202)
  @RequireScope('messages.write')
  @ApiOperation({ summary: 'Send a message: 202 means that the message is stored and will be sent' })
  @ApiHeader({
    name: 'Idempotency-Key',
    required: false,
    description: 'Extension: requests with the same key within 24 hours send one message',
  })
  @ApiHeader(PREFER_STRICT)
  @ApiBody({ type: SendMessageDto })
  @ApiResponse({
    status: 200,
    description: 'Extension, with `dryRun`: the effect of the message. Nothing is stored or sent.',
    type: DryRunAnswer,
  })
  @ApiResponse({
    status: 202,
    description: 'Stored. `warnings` (extension) names ignored fields; `warningDetails` has them with codes.',
    schema: {
      type: 'object',
      required: ['message', 'messageId'],
      properties: {
        message: { type: 'object', additionalProperties: true, description: 'The request body' },
        messageId: { type: 'string' },
        ...WARNED,
      },
    },
  })
  @ApiResponse({ status: 400, description: 'A field is missing or invalid: `message` names it and the reason' })
  @ApiResponse({ status: 404, description: 'Unknown application or tag, or no device of the target is registered' })
  @ApiResponse({ status: 405, description: LINES })
  @ApiResponse({
    status: 409,
    description:
      'The Idempotency-Key was used with another body, the application is disabled or has too many scheduled messages, or two servers relay in a loop',
  })
  async send(
    @Param('applicationId') applicationId: string,
    @Req() request: AuthorizedRequest,
    @Headers('idempotency-key') idempotencyKey: string | undefined,
    @Headers('via') via: string | undefined,
    @Query() query: QueryOf,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SendAnswer | DryRunAnswer> {
    checkQuery(query);
    const { clientId } = request.authorized;
    const caller = { applicationId, clientId, via, strict: prefersStrict(request, reply) };
    // Parsed as JSON whatever the content type is: the vendor's walk-through sends text, and curl -d a form.
    const body = parseJson(request.body);
    if ((body as { dryRun?: unknown } | null | undefined)?.dryRun === true) {
      void reply.status(200);
      return this.dryRuns.tryMessage(caller, body);
    }
    const accepted = await inAcceptSpan(request, applicationId, ({ traceparent }) =>
      this.messages.acceptMessage({ ...caller, traceparent }, body, idempotencyKey),
    );
    if (accepted.replayed) void reply.header('idempotent-replayed', 'true');
    if (accepted.isLarge) noteAct(request, { detail: { messageId: accepted.messageId } });
    return {
      message: accepted.body,
      messageId: accepted.messageId,
      ...told(accepted.warnings),
    };
  }

  @Post('bulk')
  @TakesBody()
  @HttpCode(202)
  @RequireScope('messages.write')
  @ApiOperation({ summary: 'Send many messages: all of them are stored, or none' })
  @ApiHeader({ name: 'Idempotency-Key', required: false, description: 'Extension: for the bulk as a whole' })
  @ApiHeader(PREFER_STRICT)
  @ApiBody({
    description: 'At most 1,000; the form of the admin service, `{"ArrayOfMessageBody": […]}`, is accepted too',
    schema: { type: 'array', items: { $ref: '#/components/schemas/SendMessageDto' } },
  })
  @ApiResponse({
    status: 202,
    description: 'Stored, in the order of the request',
    schema: {
      type: 'object',
      required: ['messages'],
      properties: {
        messages: {
          type: 'array',
          items: {
            type: 'object',
            required: ['messageId', 'alert', 'createdTime', 'href'],
            properties: {
              messageId: { type: 'string' },
              alert: { type: 'string' },
              createdTime: TIME,
              href: { type: 'string' },
              ...WARNED,
            },
          },
        },
      },
    },
  })
  @ApiResponse({
    status: 400,
    description: 'A message is invalid: `message` names the messages by index, with the reasons',
  })
  @ApiResponse({ status: 404, description: 'Unknown application, or the target of a message is not found' })
  @ApiResponse({ status: 405, description: LINES })
  @ApiResponse({
    status: 409,
    description:
      'The Idempotency-Key was used with another body, or the application is disabled or has too many scheduled messages',
  })
  @ApiResponse({ status: 413, description: 'The body is larger than 4 MiB' })
  async sendBulk(
    @Param('applicationId') applicationId: string,
    @Req() request: AuthorizedRequest,
    @Headers('idempotency-key') idempotencyKey: string | undefined,
    @Query() query: QueryOf,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<BulkAnswer> {
    checkQuery(query);
    const { clientId } = request.authorized;
    const caller = { applicationId, clientId, strict: prefersStrict(request, reply) };
    const accepted = await inAcceptSpan(request, applicationId, ({ traceparent }) =>
      this.bulks.acceptBulk({ ...caller, traceparent }, parseJson(request.body), idempotencyKey),
    );
    if (accepted.replayed) void reply.header('idempotent-replayed', 'true');
    if (accepted.large.length > 0)
      noteAct(request, { detail: { messageId: accepted.large[0], messages: accepted.large.length } });
    const place = `/imfpush/v1/apps/${encodeURIComponent(applicationId)}/messages`;
    return {
      messages: accepted.messages.map(({ messageId, alert, acceptedAt, warnings }) => ({
        messageId,
        alert,
        createdTime: acceptedAt.toISOString(),
        href: `${place}/${messageId}`,
        ...told(warnings),
      })),
    };
  }
}

/** Ignores unknown parameters, except those that look like a choice of recipients. Throws FPWSE0007E. */
function checkQuery(query: QueryOf): void {
  const found = Object.keys(query).find(looksLikeRestriction);
  if (found === undefined) return;
  throw new ApiError(
    'FPWSE0007E',
    `Unknown query parameter '${printable(found)}'. Name recipients in 'target' of the body.`,
  );
}
