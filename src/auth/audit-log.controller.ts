import { Controller, Get, Header, Inject, Query } from '@nestjs/common';
import { ApiOperation, ApiQuery, ApiResponse, ApiTags } from '@nestjs/swagger';
import { Produces } from '../common/accept.guard.js';
import { invalidValue } from '../common/errors.js';
import { CONFIG } from '../common/tokens.js';
import type { Config } from '../config.js';
import { AdministratorsOnly, AllowRoles } from './admin.guard.js';
import { toLogLine } from './audit-log.js';
import { FROM_DATE, TO_DATE, readSpan } from './audit-query.js';
import { AuditRepository } from './audit.repository.js';

/**
 * Of one answer, some 5 MB: its length is announced, so that a truncated one is noticed, which a last line could not
 * show to readers of MobileFirst's lines.
 */
const MAX_LINES = 50_000;

/** MobileFirst's audit log. */
@ApiTags('Administration')
@Controller('mfpadmin/management-apis/2.0')
@AdministratorsOnly()
export class AuditLogController {
  constructor(
    private readonly audit: AuditRepository,
    @Inject(CONFIG) private readonly config: Pick<Config, 'runtimeName'>,
  ) {}

  @Get('audit')
  @AllowRoles('mfpadmin', 'mfpmonitor')
  @Header('content-type', 'text/plain; charset=utf-8')
  @ApiOperation({
    summary: "Read the audit as the lines of MobileFirst's audit log, oldest first (extension)",
    description: `Time stamp, type, user, outcome, error code and runtime, separated by \`|\`. More than ${MAX_LINES} lines are refused. The list of events has more of each act.`,
  })
  @ApiQuery(FROM_DATE)
  @ApiQuery(TO_DATE)
  @Produces('text/plain')
  @ApiResponse({ status: 200, description: 'One event a line', schema: { type: 'string' } })
  async read(@Query('fromDate') fromDate?: string, @Query('toDate') toDate?: string): Promise<string> {
    const lines: string[] = [];
    for await (const events of this.audit.listAll(undefined, readSpan(fromDate, toDate))) {
      for (const event of events) lines.push(`${toLogLine(event, this.config.runtimeName)}\n`);
      if (lines.length > MAX_LINES)
        throw invalidValue('fromDate', `the span has more than ${MAX_LINES} events: ask for a shorter one`);
    }
    return lines.toReversed().join('');
  }
}
