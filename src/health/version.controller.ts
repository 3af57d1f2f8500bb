import { Controller, Get, Query, UseGuards } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { RequireElement, ScopeGuard } from '../auth/scope.guard.js';
import { readQuery } from '../common/query.js';
import type { Query as QueryOf } from '../common/query.js';
import { VERSION } from '../version.js';

class VersionAnswer {
  /** @example 0.1.0 */
  version!: string;
  /**
   * Of Node, which runs the program.
   * @example v20.19.0
   */
  node!: string;
}

/** For operators alone: a version tells an attacker which faults to try. */
@ApiTags('Administration')
@Controller('version')
@UseGuards(ScopeGuard)
export class VersionController {
  @Get()
  @RequireElement('mfpmonitor')
  @ApiOperation({ summary: 'Read the version of the process that answers (extension)' })
  read(@Query() query: QueryOf): VersionAnswer {
    readQuery(query, []);
    return { version: VERSION, node: process.version };
  }
}
