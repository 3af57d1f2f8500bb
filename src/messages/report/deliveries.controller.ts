import { Controller, Get, Headers, Param, Query, UseGuards } from '@nestjs/common';
import type { StreamableFile } from '@nestjs/common';
import { ApiExtraModels, ApiOperation, ApiQuery, ApiResponse, ApiTags, getSchemaPath } from '@nestjs/swagger';
import { Produces } from '../../common/accept.guard.js';
import { RequireScope, ScopeGuard } from '../../auth/scope.guard.js';
import { invalidValue } from '../../common/errors.js';
import { NDJSON, TRAILER_SCHEMA, answerLines } from '../../common/line-answer.js';
import { MayLag } from '../../common/may-lag.js';
import { readPlace, readQuery, readSize, readWord, writePlace } from '../../common/query.js';
import type { Query as QueryOf } from '../../common/query.js';
import { OUTCOME, OUTCOME_NAMES } from '../../delivery/outcome.js';
import { PROVIDER_NAMES } from '../../providers/provider.js';
import { DeliveryAnswer, DeliveryListAnswer } from './message.answers.js';
import { toDeliveryAnswer } from './report.answers.js';
import { ReportsService } from './reports.service.js';

const PAGE = 100;
const PARAMETERS = ['outcome', 'provider', 'deviceId', 'size', 'after'] as const;

@ApiTags('Messages')
@ApiExtraModels(DeliveryAnswer, DeliveryListAnswer)
@Controller('imfpush/v1/apps/:applicationId/messages/:messageId/deliveries')
@UseGuards(ScopeGuard)
export class DeliveriesController {
  constructor(private readonly reports: ReportsService) {}

  @Get()
  @Produces(NDJSON)
  @MayLag()
  @RequireScope('messages.read')
  @ApiOperation({
    summary:
      'List the deliveries with their outcomes; with `Accept: application/x-ndjson` all of them, one per line, with `{"trailer":{"count":N}}` as the last line (extension)',
  })
  @ApiQuery({ name: 'outcome', required: false, enum: OUTCOME_NAMES })
  @ApiQuery({ name: 'provider', required: false, enum: [...PROVIDER_NAMES] })
  @ApiQuery({ name: 'deviceId', required: false })
  @ApiQuery({
    name: 'size',
    required: false,
    schema: { type: 'integer', minimum: 1, maximum: 1_000, default: PAGE },
    description: 'Entries per page; not allowed with `application/x-ndjson`',
  })
  @ApiQuery({ name: 'after', required: false, description: '`next` of the previous page' })
  @ApiResponse({
    status: 200,
    content: {
      'application/json': { schema: { $ref: getSchemaPath(DeliveryListAnswer) } },
      [NDJSON]: { schema: { oneOf: [{ $ref: getSchemaPath(DeliveryAnswer) }, TRAILER_SCHEMA] } },
    },
  })
  @ApiResponse({ status: 400, description: 'A parameter is unknown or invalid' })
  @ApiResponse({ status: 404, description: 'Unknown application, message or device' })
  async list(
    @Param('applicationId') applicationId: string,
    @Param('messageId') messageId: string,
    @Query() query: QueryOf,
    @Headers('accept') accept: string | undefined,
  ): Promise<DeliveryListAnswer | StreamableFile> {
    const { outcome, provider, deviceId, size, after } = readQuery(query, PARAMETERS);
    const word = readWord('outcome', outcome, OUTCOME_NAMES);
    const wanted = {
      outcome: word && OUTCOME[word],
      provider: readWord('provider', provider, PROVIDER_NAMES),
      deviceId,
    };
    const [batchId, position] = after === undefined ? [0, 0] : readPlace(after);
    const from = { batchId, position };
    if (accept?.includes(NDJSON)) {
      if (size !== undefined) throw invalidValue('size', 'an answer in lines has no pages; omit it');
      const steps = await this.reports.streamDeliveries(applicationId, messageId, wanted, from);
      return answerLines(`The deliveries of message ${messageId}`, steps, toDeliveryAnswer);
    }
    const page = await this.reports.listDeliveries(applicationId, messageId, wanted, from, readSize(size, PAGE));
    return {
      deliveries: page.deliveries.map(toDeliveryAnswer),
      ...(page.next && { next: writePlace(page.next.batchId, page.next.position) }),
    };
  }
}
