import { Controller, Get, Param, Query, UseGuards } from '@nestjs/common';
import { ApiOperation, ApiQuery, ApiResponse, ApiTags } from '@nestjs/swagger';
import { readClientId } from '../../auth/client.js';
import { RequireScope, ScopeGuard } from '../../auth/scope.guard.js';
import { invalidValue } from '../../common/errors.js';
import { LATEST, readInstant } from '../../common/instant.js';
import { MayLag } from '../../common/may-lag.js';
import { readPlace, readQuery, readSize, readWord, writePlace } from '../../common/query.js';
import type { Query as QueryOf } from '../../common/query.js';
import { TIME } from '../../common/schema.js';
import { MAX_LABEL } from '../label.js';
import { FullMessageAnswer, MessageListAnswer, ReasonListAnswer, STATES } from './message.answers.js';
import { toFullMessageAnswer, toMessageAnswer } from './report.answers.js';
import { ReportsService } from './reports.service.js';

const PAGE = 20;
const LIST_PARAMETERS = ['state', 'label', 'clientId', 'campaignId', 'runId', 'from', 'to', 'size', 'after'] as const;

/** Operation ids name the controller that had these routes before, because generated clients use them. */
@ApiTags('Messages')
@Controller('imfpush/v1/apps/:applicationId/messages')
@UseGuards(ScopeGuard)
export class MessageReportsController {
  constructor(private readonly reports: ReportsService) {}

  @Get()
  @MayLag()
  @RequireScope('messages.read')
  @ApiOperation({
    operationId: 'MessagesController_list',
    summary: 'List the messages of an application, the newest first (extension)',
  })
  @ApiQuery({ name: 'state', required: false, enum: [...STATES] })
  @ApiQuery({ name: 'label', required: false, description: 'Exactly this label' })
  @ApiQuery({ name: 'clientId', required: false, description: 'Sent by exactly this client' })
  @ApiQuery({ name: 'campaignId', required: false, description: 'Made by exactly this campaign' })
  @ApiQuery({
    name: 'runId',
    required: false,
    schema: { type: 'integer', minimum: 1 },
    description: 'Made by exactly this run of a campaign',
  })
  @ApiQuery({ name: 'from', required: false, schema: TIME, description: 'Accepted at or after' })
  @ApiQuery({ name: 'to', required: false, schema: TIME, description: 'Accepted before' })
  @ApiQuery({ name: 'size', required: false, schema: { type: 'integer', minimum: 1, maximum: 1_000, default: PAGE } })
  @ApiQuery({ name: 'after', required: false, description: '`next` of the previous page' })
  @ApiResponse({ status: 200, type: MessageListAnswer })
  @ApiResponse({ status: 400, description: 'A parameter is unknown or invalid' })
  @ApiResponse({ status: 404, description: 'Unknown application' })
  async list(@Param('applicationId') applicationId: string, @Query() query: QueryOf): Promise<MessageListAnswer> {
    const { state, label, clientId, campaignId, runId, from, to, size, after } = readQuery(query, LIST_PARAMETERS);
    if (label !== undefined && (label === '' || label.length > MAX_LABEL))
      throw invalidValue('label', `it must be 1 to ${MAX_LABEL} characters`);
    const filter = {
      state: readWord('state', state, STATES),
      label,
      clientId: readClientId(clientId),
      campaignId,
      runId: readRunId(runId),
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
  @MayLag()
  @RequireScope('messages.read')
  @ApiOperation({
    operationId: 'MessagesController_read',
    summary: 'Read the state of a message and its number of deliveries per outcome',
  })
  @ApiResponse({ status: 200, type: FullMessageAnswer })
  @ApiResponse({ status: 404, description: 'Unknown application or message' })
  async read(
    @Param('applicationId') applicationId: string,
    @Param('messageId') messageId: string,
  ): Promise<FullMessageAnswer> {
    return toFullMessageAnswer(await this.reports.readMessage(applicationId, messageId));
  }

  @Get(':messageId/reasons')
  @MayLag()
  @RequireScope('messages.read')
  @ApiOperation({
    summary: 'Count the reasons of the deliveries that were not accepted, the most frequent first (extension)',
    description: 'Costs 0.1 s of the database if a hundred thousand deliveries or more were not accepted.',
  })
  @ApiResponse({ status: 200, type: ReasonListAnswer })
  @ApiResponse({ status: 404, description: 'Unknown application or message' })
  reasons(
    @Param('applicationId') applicationId: string,
    @Param('messageId') messageId: string,
  ): Promise<ReasonListAnswer> {
    return this.reports.countReasons(applicationId, messageId);
  }
}

function readRunId(text: string | undefined): number | undefined {
  if (text !== undefined && !/^[1-9]\d{0,14}$/.test(text))
    throw invalidValue('runId', 'it must be the number of a run');
  return text === undefined ? undefined : Number(text);
}
