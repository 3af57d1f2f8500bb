import { Controller, Get, HttpStatus, Param, Post, Query, Req, Res, UseGuards } from '@nestjs/common';
import { ApiBody, ApiConsumes, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { StreamableFile } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Readable } from 'node:stream';
import { Produces } from '../common/accept.guard.js';
import { RequireScope, ScopeGuard } from '../auth/scope.guard.js';
import { ApiError, wrongContentType } from '../common/errors.js';
import { MayLag } from '../common/may-lag.js';
import { NDJSON, answerLines } from '../common/line-answer.js';
import { readQuery } from '../common/query.js';
import type { Query as QueryOf } from '../common/query.js';
import { TakesBody } from '../common/takes-body.js';
import { toExportLine } from './device.dto.js';
import { DeviceTransferService } from './device-transfer.service.js';

/** Extensions: import and export of devices. The router reads a double colon as one. */
@ApiTags('Devices')
@Controller('imfpush/v1/apps/:applicationId')
@UseGuards(ScopeGuard)
export class DeviceTransferController {
  constructor(private readonly transfer: DeviceTransferService) {}

  @Post('devices::import')
  @TakesBody()
  @Produces(NDJSON)
  @RouteConfig({ takesStream: true })
  @RequireScope('devices.write')
  @ApiOperation({
    summary: 'Register a device for each line of the body (extension)',
    description:
      'Each line is a JSON object like the body of POST devices. `tagNames` lists all subscriptions that the device has afterwards, `Push.ALL` included; if omitted, the subscriptions stay. Missing tags are created. The lines of an export are accepted, and its trailer is checked: a wrong count is reported as a rejected line, and a body without a trailer is imported with a `note` in the summary. Devices without a line are not changed. A bad line is reported and the others are registered. Repeating an import changes nothing.',
  })
  @ApiConsumes(NDJSON)
  @ApiBody({
    description: 'One JSON object per line, any number of lines',
    schema: {
      type: 'string',
      example: '{"deviceId":"eve-phone","token":"sandbox:accepted:eve-phone","platform":"A"}\n',
    },
  })
  @ApiResponse({
    status: 200,
    description:
      'All lines are registered. NDJSON: the first line is the summary `{lines, created, updated, moved, rejected, reasons: [{code, message, lines, firstLine}], note?}`, the last is the trailer `{trailer: {count}}`',
    content: { [NDJSON]: { schema: { type: 'string' } } },
  })
  @ApiResponse({
    status: 207,
    description:
      'Some lines are rejected. The summary is followed by a line `{line, code, message}` for each of the first million rejected lines',
    content: { [NDJSON]: { schema: { type: 'string' } } },
  })
  @ApiResponse({ status: 405, description: `The content type is not ${NDJSON}` })
  @ApiResponse({
    status: 503,
    description: 'FPWSE0025E: the import was interrupted; `message` has the number of registered devices',
  })
  async import(
    @Param('applicationId') applicationId: string,
    // An empty body has no stream.
    @Req() { body = Readable.from([]) }: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<StreamableFile> {
    if (!isStream(body)) throw wrongContentType(NDJSON);
    const report = await this.transfer.importDevices(applicationId, body);
    if (report.isEmpty) throw new ApiError('FPWSE0004E', 'The body has no line.');
    void reply.status(report.summarize().rejected > 0 ? HttpStatus.MULTI_STATUS : HttpStatus.OK);
    return answerLines('The answer to an import', report.toLines(), (line) => line);
  }

  @Get('devices::export')
  @Produces(NDJSON)
  @MayLag()
  @RequireScope('devices.read')
  @ApiOperation({
    summary: 'Export all devices that are not retired, with their subscriptions, one JSON object per line (extension)',
    description:
      'The last line is `{"trailer":{"count":N}}` with the number of lines before it. An answer without this line was cut short: repeat the request.',
  })
  @ApiResponse({ status: 200, content: { [NDJSON]: { schema: { type: 'string' } } } })
  @ApiResponse({ status: 400, description: 'A parameter is unknown: the export has no filters' })
  async export(@Param('applicationId') applicationId: string, @Query() query: QueryOf): Promise<StreamableFile> {
    readQuery(query, []);
    const pages = await this.transfer.exportDevices(applicationId);
    return answerLines(`The export of devices of ${applicationId}`, pages, toExportLine);
  }
}

function isStream(body: unknown): body is AsyncIterable<Buffer> {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body;
}
