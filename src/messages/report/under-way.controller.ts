import { Controller, Get, UseGuards } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { RequireScope, ScopeGuard } from '../../auth/scope.guard.js';
import { MayLag } from '../../common/may-lag.js';
import { UnderWayAnswer } from './message.answers.js';
import { toMessageAnswer } from './report.answers.js';
import { ReportsService } from './reports.service.js';

const SHOWN = 20;

/** Extension: messages of the whole installation. */
@ApiTags('Messages')
@Controller('imfpush/v1/messages')
@UseGuards(ScopeGuard)
export class UnderWayController {
  constructor(private readonly reports: ReportsService) {}

  @Get()
  @MayLag()
  @RequireScope('messages.read')
  @ApiOperation({
    summary: 'List the messages of all applications that are under way, the newest first (extension)',
    description: `At most ${SHOWN}: those that are being sent, and those that are paused meanwhile.`,
  })
  @ApiResponse({ status: 200, type: UnderWayAnswer })
  async list(): Promise<UnderWayAnswer> {
    const found = await this.reports.listUnderWay(SHOWN);
    return {
      messages: found.map((report) => Object.assign(toMessageAnswer(report), { applicationId: report.applicationId })),
    };
  }
}
