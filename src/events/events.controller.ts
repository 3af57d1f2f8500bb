import {
  Body,
  Controller,
  Get,
  Header,
  Headers,
  Param,
  Put,
  Query,
  Res,
  StreamableFile,
  UseGuards,
} from '@nestjs/common';
import { ApiOperation, ApiQuery, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Readable } from 'node:stream';
import { RequireScope, ScopeGuard } from '../auth/scope.guard.js';
import { Produces } from '../common/accept.guard.js';
import { StrictBodyPipe } from '../common/body.js';
import { SECOND_MS } from '../common/durations.js';
import { invalidValue } from '../common/errors.js';
import { NDJSON } from '../common/line-answer.js';
import { readQuery, readSize } from '../common/query.js';
import type { Query as QueryOf } from '../common/query.js';
import type { Schema } from '../common/schema.js';
import { FeedAnswer, FeedDto, toFeedAnswer } from './event.dto.js';
import { EVENT, EVENT_NAMES, readTypes, unknownType } from './event-types.js';
import type { EventName } from './event-types.js';
import { FeedService } from './feed.service.js';
import type { FeedPage, FeedRequest } from './feed.service.js';

const PARAMETERS = ['after', 'types', 'limit', 'wait'] as const;
const LIMIT = 100;
const LONGEST_WAIT_S = 30;

const CURSOR: Schema = { type: 'string', description: 'Give it as `after` to read on' };
const PAGE: Schema = {
  type: 'object',
  required: ['events', 'cursor'],
  properties: { events: { type: 'array', items: EVENT }, cursor: CURSOR },
};
const LINE: Schema = {
  type: 'object',
  required: ['cursor'],
  properties: { event: EVENT, cursor: CURSOR },
  description: 'A line without an event keeps the connection open',
};

/** Extension: the events of an application, for those that cannot be called. */
@ApiTags('Events')
@Controller('imfpush/v1/apps/:applicationId/events')
@UseGuards(ScopeGuard)
export class EventsController {
  constructor(private readonly feed: FeedService) {}

  @Get()
  @Header('cache-control', 'no-store')
  @Header('x-accel-buffering', 'no')
  @Produces(NDJSON)
  @RequireScope('events.read')
  @ApiOperation({
    summary: 'Read the events after a cursor, or wait for the next one (extension)',
    description:
      'Events are in the order in which they were committed. Without events the answer comes after `wait` seconds, with a cursor. With `Accept: application/x-ndjson` the answer is a line for each event at once, and at least one line in 15 s, and ends after five minutes. A filter moves the cursor too, so another `types` reads on from there.',
  })
  @ApiQuery({
    name: 'after',
    required: false,
    description: 'A cursor; `latest`: from now on. Default: the oldest event',
  })
  @ApiQuery({ name: 'types', required: false, description: 'As `eventTypes` of a webhook. Default: all' })
  @ApiQuery({
    name: 'limit',
    required: false,
    schema: { type: 'integer', minimum: 1, maximum: 1_000, default: LIMIT },
    description: 'An answer of large events may have fewer; not allowed with `application/x-ndjson`',
  })
  @ApiQuery({
    name: 'wait',
    required: false,
    schema: { type: 'integer', minimum: 0, maximum: LONGEST_WAIT_S, default: LONGEST_WAIT_S },
    description: 'Seconds; not allowed with `application/x-ndjson`',
  })
  @ApiResponse({ status: 200, content: { 'application/json': { schema: PAGE }, [NDJSON]: { schema: LINE } } })
  @ApiResponse({ status: 400, description: 'A parameter is unknown or invalid' })
  @ApiResponse({
    status: 410,
    description:
      'CARIL0410E: events after the cursor are no longer kept, or it is of another feed or a restored database',
  })
  async read(
    @Param('applicationId') applicationId: string,
    @Query() query: QueryOf,
    @Headers('accept') accept: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<StreamableFile> {
    const { after, types, limit, wait } = readQuery(query, PARAMETERS);
    const request = { applicationId, after, types: types === undefined ? null : eventNames('types', types) };
    const left = new AbortController();
    reply.raw.once('close', () => left.abort());
    if (accept?.includes(NDJSON) === true) {
      for (const [name, value] of Object.entries({ limit, wait }))
        if (value !== undefined) throw invalidValue(name, 'an answer in lines has none; omit it');
      return this.stream(request, left.signal);
    }
    const page = await this.feed.read(
      request,
      readSize(limit, LIMIT, 'limit'),
      readWait(wait) * SECOND_MS,
      left.signal,
    );
    return new StreamableFile(Buffer.from(toPage(page)), { type: 'application/json; charset=utf-8' });
  }

  @Get('feed')
  @RequireScope('events.read')
  @ApiOperation({ summary: 'Read which events the feed has (extension)' })
  async readFeed(@Param('applicationId') applicationId: string): Promise<FeedAnswer> {
    return toFeedAnswer(await this.feed.wanted(applicationId));
  }

  @Put('feed')
  @RequireScope('events.write')
  @ApiOperation({
    summary: 'Say which events the feed shall have from now on (extension)',
    description: 'At first none. The feed also has the events that a webhook of the application wants.',
  })
  async changeFeed(
    @Param('applicationId') applicationId: string,
    @Body(new StrictBodyPipe(FeedDto)) { eventTypes, labels, campaigns }: FeedDto,
  ): Promise<FeedAnswer> {
    const types = eventTypes === '' ? [] : eventNames('eventTypes', eventTypes);
    const wanted = { eventTypes: types, labels: labels ?? null, campaigns: campaigns ?? null };
    return toFeedAnswer(await this.feed.want(applicationId, wanted));
  }

  private async stream(request: FeedRequest, signal: AbortSignal): Promise<StreamableFile> {
    const first = await this.feed.read(request, LIMIT, 0, signal);
    const toLines = async function* (feed: FeedService): AsyncGenerator<string> {
      for await (const { events, cursor } of feed.stream(request, first, signal))
        yield events.length === 0
          ? `${JSON.stringify({ cursor })}\n`
          : events
              .map((event) => {
                const here = JSON.stringify(feed.cursorOf(request.applicationId, event));
                return `{"event":${event.body},"cursor":${here}}\n`;
              })
              .join('');
    };
    return new StreamableFile(Readable.from(toLines(this.feed), { objectMode: false }), { type: NDJSON });
  }
}

/** The bodies as they were written, byte for byte. */
function toPage({ events, cursor }: FeedPage): string {
  return `{"events":[${events.map(({ body }) => body).join(',')}],"cursor":${JSON.stringify(cursor)}}`;
}

function eventNames(field: string, text: string): EventName[] {
  const types = readTypes(text, EVENT_NAMES);
  if ('unknown' in types) throw invalidValue(field, unknownType(types.unknown));
  return types;
}

function readWait(text: string | undefined): number {
  if (text === undefined) return LONGEST_WAIT_S;
  if (!/^\d{1,2}$/.test(text) || Number(text) > LONGEST_WAIT_S)
    throw invalidValue('wait', `it must be a whole number of seconds, at most ${LONGEST_WAIT_S}`);
  return Number(text);
}
