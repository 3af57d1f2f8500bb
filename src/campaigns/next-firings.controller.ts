import { Controller, Get, UseGuards } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { RequireScope, ScopeGuard } from '../auth/scope.guard.js';
import { MayLag } from '../common/may-lag.js';
import { NextFiringsAnswer } from './calendar.dto.js';
import { CalendarService } from './calendar.service.js';

const SHOWN = 10;

/** Extension: campaigns of the whole installation. The router reads a double colon as one. */
@ApiTags('Campaigns')
@Controller('imfpush/v1')
@UseGuards(ScopeGuard)
export class NextFiringsController {
  constructor(private readonly calendar: CalendarService) {}

  @Get('campaigns::firings')
  @MayLag()
  @RequireScope('campaigns.read')
  @ApiOperation({ summary: `List the next ${SHOWN} firings of the active campaigns of all applications (extension)` })
  @ApiResponse({ status: 200, type: NextFiringsAnswer })
  list(): Promise<NextFiringsAnswer> {
    return this.calendar.listNext(SHOWN);
  }
}
