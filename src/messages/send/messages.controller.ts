import { Controller, Get, Headers, HttpCode, Param, Post, Query, Req, Res, UseGuards } from '@nestjs/common';
import { ApiBody, ApiHeader, ApiOperation, ApiQuery, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { readClientId } from '../../auth/client.js';
import { RequireScope, ScopeGuard } from '../../auth/scope.guard.js';
import type { AuthorizedRequest } from '../../auth/scope.guard.js';
import { parseJson } from '../../common/body.js';
import { ApiError, invalidValue, printable } from '../../common/errors.js';
import { PREFER_STRICT, prefersStrict } from '../../common/prefer.js';
import { readPlace, readQuery, readSize, readWord, writePlace } from '../../common/query.js';
import type { Query as QueryOf } from '../../common/query.js';
import { TakesBody } from '../../common/takes-body.js';
import { BulkService } from './bulk.service.js';
import { DryRunService } from './dry-run.service.js';
import type { DryRun } from './dry-run.service.js';
import { MAX_LABEL, SendMessageDto } from '../request/message.dto.js';
import { DRY_RUN, FULL_MESSAGE, MESSAGE, MESSAGE_REQUIRED, NEXT, STATES, TIME } from '../report/message.schema.js';
import { MessagesService } from './messages.service.js';
import { toFullMessageAnswer, toMessageAnswer } from '../report/report.answers.js';
import type { FullMessageAnswer, MessageAnswer } from '../report/report.answers.js';
import { ReportsService } from '../report/reports.service.js';
import { looksLikeRestriction } from '../request/restriction.js';
import { LATEST, readInstant } from '../request/timing.js';

interface SendAnswer {
  /** The request body. */
  message: Record<string, unknown>;
  messageId: string;
  warnings?: string[];
}

interface BulkAnswer {
  messages: { messageId: string; alert: string; createdTime: string; href: string; warnings?: string[] }[];
}

interface ListAnswer {
  messages: MessageAnswer[];
  next?: string;
}

const PAGE = 20;
const LINES = 'Lines (`application/x-ndjson`) are for imports; under any other content type the body is read as JSON';
const LIST_PARAMETERS = ['state', 'label', 'clientId', 'from', 'to', 'size', 'after'] as const;

@ApiTags('Messages')
@Controller('imfpush/v1/apps/:applicationId/messages')
@UseGuards(ScopeGuard)
export class MessagesController {
  constructor(
    private readonly messages: MessagesService,
    private readonly bulks: BulkService,
    private readonly dryRuns: DryRunService,
    private readonly reports: ReportsService,
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
    schema: DRY_RUN,
  })
  @ApiResponse({
    status: 202,
    description: 'Stored. `warnings` (extension) names ignored fields.',
    schema: {
      type: 'object',
      required: ['message', 'messageId'],
      properties: {
        message: { type: 'object', description: 'The request body' },
        messageId: { type: 'string' },
        warnings: { type: 'array', items: { type: 'string' } },
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
  ): Promise<SendAnswer | DryRun> {
    checkQuery(query);
    const { clientId } = request.authorized;
    const caller = { applicationId, clientId, via, strict: prefersStrict(request, reply) };
    // Parsed as JSON whatever the content type is: the vendor's walk-through sends text, and curl -d a form.
    const body = parseJson(request.body);
    if ((body as { dryRun?: unknown } | null | undefined)?.dryRun === true) {
      void reply.status(200);
      return this.dryRuns.tryMessage(caller, body);
    }
    const accepted = await this.messages.acceptMessage(caller, body, idempotencyKey);
    if (accepted.replayed) void reply.header('idempotent-replayed', 'true');
    return {
      message: accepted.body,
      messageId: accepted.messageId,
      ...(accepted.warnings.length > 0 && { warnings: accepted.warnings }),
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
              warnings: { type: 'array', items: { type: 'string' } },
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
    const accepted = await this.bulks.acceptBulk(caller, parseJson(request.body), idempotencyKey);
    if (accepted.replayed) void reply.header('idempotent-replayed', 'true');
    const place = `/imfpush/v1/apps/${encodeURIComponent(applicationId)}/messages`;
    return {
      messages: accepted.messages.map(({ messageId, alert, acceptedAt, warnings }) => ({
        messageId,
        alert,
        createdTime: acceptedAt.toISOString(),
        href: `${place}/${messageId}`,
        ...(warnings.length > 0 && { warnings }),
      })),
    };
  }

  @Get()
  @RequireScope('messages.read')
  @ApiOperation({ summary: 'List the messages of an application, the newest first (extension)' })
  @ApiQuery({ name: 'state', required: false, enum: [...STATES] })
  @ApiQuery({ name: 'label', required: false, description: 'Exactly this label' })
  @ApiQuery({ name: 'clientId', required: false, description: 'Sent by exactly this client' })
  @ApiQuery({ name: 'from', required: false, schema: TIME, description: 'Accepted at or after' })
  @ApiQuery({ name: 'to', required: false, schema: TIME, description: 'Accepted before' })
  @ApiQuery({ name: 'size', required: false, schema: { type: 'integer', minimum: 1, maximum: 1_000, default: PAGE } })
  @ApiQuery({ name: 'after', required: false, description: '`next` of the previous page' })
  @ApiResponse({
    status: 200,
    schema: {
      type: 'object',
      required: ['messages'],
      properties: {
        messages: { type: 'array', items: { type: 'object', required: MESSAGE_REQUIRED, properties: MESSAGE } },
        next: NEXT,
      },
    },
  })
  @ApiResponse({ status: 400, description: 'A parameter is unknown or invalid' })
  @ApiResponse({ status: 404, description: 'Unknown application' })
  async list(@Param('applicationId') applicationId: string, @Query() query: QueryOf): Promise<ListAnswer> {
    const { state, label, clientId, from, to, size, after } = readQuery(query, LIST_PARAMETERS);
    if (label !== undefined && (label === '' || label.length > MAX_LABEL))
      throw invalidValue('label', `it must be 1 to ${MAX_LABEL} characters`);
    const filter = {
      state: readWord('state', state, STATES),
      label,
      clientId: readClientId(clientId),
      from: from === undefined ? undefined : new Date(readInstant('from', from)),
      to: to === undefined ? undefined : new Date(readInstant('to', to)),
    };
    const [time = 0, seq = 0] = after === undefined ? [] : readPlace(after);
    if (time >= LATEST) throw invalidValue('after', 'it must be the `next` of a page');
    const place = after === undefined ? undefined : { acceptedAt: new Date(time), seq };
    const { messages, next } = await this.reports.listMessages(applicationId, filter, place, readSize(size, PAGE));
    return {
      messages: messages.map(toMessageAnswer),
      ...(next && { next: writePlace(next.acceptedAt.getTime(), next.seq) }),
    };
  }

  @Get(':messageId')
  @RequireScope('messages.read')
  @ApiOperation({ summary: 'Read the state of a message and its number of deliveries per outcome' })
  @ApiResponse({
    status: 200,
    schema: {
      type: 'object',
      required: [...MESSAGE_REQUIRED, 'providers'],
      properties: FULL_MESSAGE,
    },
  })
  @ApiResponse({ status: 404, description: 'Unknown application or message' })
  async read(
    @Param('applicationId') applicationId: string,
    @Param('messageId') messageId: string,
  ): Promise<FullMessageAnswer> {
    return toFullMessageAnswer(await this.reports.readMessage(applicationId, messageId));
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
