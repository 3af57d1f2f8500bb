import { Controller, Get, Inject, Res } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { CONFIG } from '../common/tokens.js';
import type { Config } from '../config.js';
import { DATABASE } from '../database/database.module.js';
import { wallClock } from '../common/clock.js';
import { withDeadline } from '../common/deadline.js';
import { DatabaseWatch } from '../database/database-watch.js';
import { probeWrites } from '../database/database.js';
import type { Database } from '../database/database.js';
import { Queues } from '../queue/queue.js';
import { LiveAnswer, ReadyAnswer } from './health.answers.js';
import { Readiness } from './readiness.js';

/** Shorter than usual probe timeouts of orchestrators; slower servers cannot serve callers either. */
const PROBE_MS = 3_000;

const NOT_READY =
  'The process is stopping, the database is unreachable or read-only, or the clock is wrong; without the role `api` also: the queue is unreachable or read-only';

/** Health routes for orchestrators, in every role. */
@ApiTags('Health')
@Controller()
export class HealthController {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly queues: Queues,
    private readonly readiness: Readiness,
    private readonly watch: DatabaseWatch,
    @Inject(CONFIG) private readonly config: Pick<Config, 'roles'>,
  ) {}

  @Get('health/live')
  @ApiOperation({ summary: 'Check that the process runs (extension)' })
  live(): LiveAnswer {
    return { status: 'live' };
  }

  @Get('health/ready')
  @ApiOperation({ summary: 'Check that requests and jobs are accepted (extension)' })
  @ApiResponse({ status: 200, type: ReadyAnswer })
  @ApiResponse({ status: 503, type: ReadyAnswer, description: NOT_READY })
  async ready(@Res({ passthrough: true }) reply: FastifyReply): Promise<ReadyAnswer> {
    // Both probes write: a standby, a replica or a full disk still answers reads.
    const [database, queue] = await Promise.all([isUp(probeWrites(this.database)), isUp(this.queues.ping())]);
    const { isTimeKnown } = this.watch;
    // An api commits messages and answers 202 without the queue; a worker or scheduler alone can do nothing.
    const isUsable = queue === 'up' || this.config.roles.has('api');
    const ready = this.readiness.accepting && database === 'up' && isUsable && isTimeKnown;
    if (!ready) void reply.status(503);
    const clock = `The clock of the database shows ${new Date(wallClock()).toISOString()}, which cannot be right`;
    const status = !ready ? 'not ready' : queue === 'up' ? 'ready' : 'degraded';
    return { status, database, queue, ...(!isTimeKnown && { clock }) };
  }

  /** The path that MobileFirst's administration uses. */
  @Get('imfpush/v1/health/status')
  @ApiOperation({ summary: 'As /health/ready' })
  @ApiResponse({ status: 200, type: ReadyAnswer })
  @ApiResponse({ status: 503, type: ReadyAnswer, description: NOT_READY })
  status(@Res({ passthrough: true }) reply: FastifyReply): Promise<ReadyAnswer> {
    return this.ready(reply);
  }

  /** MobileFirst's reference prints the path without the context root. */
  @Get('health/status')
  @ApiOperation({ summary: 'As /health/ready' })
  @ApiResponse({ status: 200, type: ReadyAnswer })
  @ApiResponse({ status: 503, type: ReadyAnswer, description: NOT_READY })
  statusAtRoot(@Res({ passthrough: true }) reply: FastifyReply): Promise<ReadyAnswer> {
    return this.ready(reply);
  }
}

async function isUp(probe: Promise<unknown>): Promise<'up' | 'down'> {
  return withDeadline('The probe', PROBE_MS, probe).then(
    () => 'up',
    () => 'down',
  );
}
