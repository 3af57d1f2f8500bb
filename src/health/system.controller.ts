import { Controller, Get, Inject, Query, UseGuards } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { RequireElement, ScopeGuard } from '../auth/scope.guard.js';
import { readQuery } from '../common/query.js';
import type { Query as QueryOf } from '../common/query.js';
import { CONFIG } from '../common/tokens.js';
import type { Config } from '../config.js';
import { VERSION } from '../version.js';
import type { Problem } from './problems.js';
import { SYSTEM } from './system.schema.js';
import { SystemService } from './system.service.js';

interface ProblemAnswer extends Omit<Problem, 'since' | 'endsAt'> {
  since: string | null;
  endsTime: string | null;
}

interface SystemAnswer {
  serverTime: string;
  version: string;
  processes: {
    id: string;
    name: string;
    roles: string[];
    version: string;
    host: string;
    zoneRules: string | null;
    clockAheadMs: number | null;
    startedTime: string;
    lastSeenTime: string;
    state: 'running' | 'lost';
  }[];
  queue: { name: string; waiting: number; active: number; delayed: number }[] | null;
  oldestPending: { provider: string; since: string; seconds: number }[];
  migrations: { applied: number; pending: number };
  retention: Omit<Config['retention'], 'atMostPercent'>;
  audit: { receiver: string | null; behind: number; oldestTime: string | null; error: string | null };
  problems: ProblemAnswer[];
}

/** The installation as a whole, for operators and the console. */
@ApiTags('Administration')
@Controller('imfpush/v1/system')
@UseGuards(ScopeGuard)
export class SystemController {
  constructor(
    private readonly system: SystemService,
    @Inject(CONFIG) private readonly config: Pick<Config, 'retention'>,
  ) {}

  @Get()
  @RequireElement('mfpmonitor')
  @ApiOperation({
    summary:
      'Read the processes, the depth of the queues, the oldest pending deliveries, and present problems (extension)',
    description:
      'A process reads the state at most once a second, and answers all callers of that second from it. Each `problems` entry has a `code` for programs and the `next` step for a person.',
  })
  @ApiResponse({ status: 200, description: 'The present state', schema: SYSTEM })
  @ApiResponse({ status: 400, description: 'A parameter is unknown' })
  async read(@Query() query: QueryOf): Promise<SystemAnswer> {
    readQuery(query, []);
    const { at, processes, queue, oldestPending, migrations, audit, problems } = await this.system.read();
    const { atMostPercent: _limit, ...retention } = this.config.retention;
    return {
      serverTime: at.toISOString(),
      version: VERSION,
      processes: processes.map(({ startedAt, seenAt, isLost, ...process }) => ({
        ...process,
        startedTime: startedAt.toISOString(),
        lastSeenTime: seenAt.toISOString(),
        state: isLost ? 'lost' : 'running',
      })),
      queue,
      oldestPending: oldestPending.map(({ provider, since, seconds }) => ({
        provider,
        since: since.toISOString(),
        seconds: Math.round(seconds),
      })),
      migrations,
      retention,
      audit: {
        receiver: audit.receiver,
        behind: audit.behind,
        oldestTime: audit.oldestAt?.toISOString() ?? null,
        error: audit.error,
      },
      problems: problems.map(({ since, endsAt, ...problem }) => ({
        ...problem,
        since: since?.toISOString() ?? null,
        endsTime: endsAt?.toISOString() ?? null,
      })),
    };
  }
}
