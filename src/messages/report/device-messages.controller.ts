import { Controller, Get, Param, Query, UseGuards } from '@nestjs/common';
import { ApiExtraModels, ApiOperation, ApiQuery, ApiResponse, ApiTags, getSchemaPath } from '@nestjs/swagger';
import { RequireScope, ScopeGuard } from '../../auth/scope.guard.js';
import { MayLag } from '../../common/may-lag.js';
import { readPlace, readQuery, readSize, writePlace } from '../../common/query.js';
import type { Query as QueryOf } from '../../common/query.js';
import { DeviceMessageListAnswer, ExplanationAnswer } from './message.answers.js';
import { toDeliveryAnswer, toDeviceMessageAnswer } from './report.answers.js';
import { ReportsService } from './reports.service.js';

const PAGE = 20;

@ApiTags('Devices')
@ApiExtraModels(DeviceMessageListAnswer, ExplanationAnswer)
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
      'A page with `next` may have fewer entries than `size`, because a request reads a limited part of the history. With `messageId`: one delivery, or `outcome` `notInAudience` and the reason, as a sentence and as a code.',
    schema: { oneOf: [{ $ref: getSchemaPath(ExplanationAnswer) }, { $ref: getSchemaPath(DeviceMessageListAnswer) }] },
  })
  @ApiResponse({ status: 400, description: 'A parameter is unknown or invalid' })
  @ApiResponse({ status: 404, description: 'Unknown application, device or message' })
  async list(
    @Param('applicationId') applicationId: string,
    @Param('deviceId') deviceId: string,
    @Query() query: QueryOf,
  ): Promise<DeviceMessageListAnswer | ExplanationAnswer> {
    if ('messageId' in query) {
      const { messageId = '' } = readQuery(query, ['messageId']);
      const told = await this.reports.explain(applicationId, deviceId, messageId);
      if ('delivery' in told) return Object.assign(toDeliveryAnswer(told.delivery), { messageId });
      const { retiredAt, ...why } = told;
      const retired = retiredAt && { retiredTime: retiredAt.toISOString() };
      return { messageId, deviceId, outcome: 'notInAudience', ...why, ...retired };
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
