import { Controller, Get, Param, Query, UseGuards } from '@nestjs/common';
import { ApiOperation, ApiQuery, ApiResponse, ApiTags } from '@nestjs/swagger';
import { RequireScope, ScopeGuard } from '../../auth/scope.guard.js';
import { MayLag } from '../../common/may-lag.js';
import { readPlace, readQuery, readSize, writePlace } from '../../common/query.js';
import type { Query as QueryOf } from '../../common/query.js';
import { TIME } from '../../common/schema.js';
import type { Schema } from '../../common/schema.js';
import { DELIVERY, NEXT } from './message.schema.js';
import { toDeliveryAnswer, toDeviceMessageAnswer } from './report.answers.js';
import type { DeliveryAnswer, DeviceMessageAnswer } from './report.answers.js';
import { ReportsService } from './reports.service.js';

interface HistoryAnswer {
  messages: DeviceMessageAnswer[];
  next?: string;
}

/** About one message: the delivery, or the reason why there is none. */
type ExplanationAnswer =
  | ({ messageId: string } & DeliveryAnswer)
  | { messageId: string; deviceId: string; outcome: 'notInAudience'; reason: string };

const PAGE = 20;

const EXPLANATION: Schema = {
  type: 'object',
  required: ['messageId', 'deviceId', 'outcome'],
  properties: {
    messageId: { type: 'string' },
    deviceId: { type: 'string', nullable: true },
    userId: { type: 'string' },
    platform: { type: 'string' },
    ...DELIVERY,
  },
};

@ApiTags('Devices')
@Controller('imfpush/v1/apps/:applicationId/devices/:deviceId/messages')
@UseGuards(ScopeGuard)
export class DeviceMessagesController {
  constructor(private readonly reports: ReportsService) {}

  @Get()
  @MayLag()
  @RequireScope('messages.read')
  @ApiOperation({ summary: 'List the messages of a device with their outcomes, the newest first (extension)' })
  @ApiQuery({
    name: 'messageId',
    required: false,
    description: 'Only this message: its delivery, or the reason why the device is not in its audience',
  })
  @ApiQuery({ name: 'size', required: false, schema: { type: 'integer', minimum: 1, maximum: 1_000, default: PAGE } })
  @ApiQuery({ name: 'after', required: false, description: '`next` of the previous page' })
  @ApiResponse({
    status: 200,
    description:
      'A page with `next` may have fewer entries than `size`, because a request reads a limited part of the history. With `messageId`: one delivery, or `outcome` `notInAudience` and the reason.',
    schema: {
      oneOf: [
        EXPLANATION,
        {
          type: 'object',
          required: ['messages'],
          properties: {
            messages: {
              type: 'array',
              items: {
                type: 'object',
                required: ['messageId', 'alert', 'acceptedTime', 'provider', 'outcome', 'attempts'],
                properties: {
                  messageId: { type: 'string' },
                  alert: { type: 'string' },
                  label: { type: 'string' },
                  acceptedTime: TIME,
                  ...DELIVERY,
                },
              },
            },
            next: NEXT,
          },
        },
      ],
    },
  })
  @ApiResponse({ status: 400, description: 'A parameter is unknown or invalid' })
  @ApiResponse({ status: 404, description: 'Unknown application, device or message' })
  async list(
    @Param('applicationId') applicationId: string,
    @Param('deviceId') deviceId: string,
    @Query() query: QueryOf,
  ): Promise<HistoryAnswer | ExplanationAnswer> {
    if ('messageId' in query) {
      const { messageId = '' } = readQuery(query, ['messageId']);
      const told = await this.reports.explain(applicationId, deviceId, messageId);
      if ('delivery' in told) return { messageId, ...toDeliveryAnswer(told.delivery) };
      return { messageId, deviceId, outcome: 'notInAudience', reason: told.reason };
    }
    const { size, after } = readQuery(query, ['size', 'after']);
    const before = after === undefined ? Number.MAX_SAFE_INTEGER : readPlace(after)[0];
    const { messages, next } = await this.reports.listDeviceMessages(
      applicationId,
      deviceId,
      before,
      readSize(size, PAGE),
    );
    return { messages: messages.map(toDeviceMessageAnswer), ...(next !== null && { next: writePlace(next) }) };
  }
}
