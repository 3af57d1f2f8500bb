import { Controller, Get, HttpCode, Param, Post, UseGuards } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { RequireScope, ScopeGuard } from '../auth/scope.guard.js';
import { Clock } from '../common/clock.js';
import { ApiError, notFound } from '../common/errors.js';
import type { ProcessStatus } from '../database/provider-tables.js';
import { PROVIDER_NAMES } from '../providers/provider.js';
import { ApplicationsService } from './applications.service.js';
import { ProviderSettingRepository } from './provider-setting.repository.js';
import { describePause } from './pause.js';
import { ProviderAnswer, ProviderListAnswer } from './provider.answers.js';
import { ProviderStatusRepository } from './provider-status.repository.js';
import type { ProviderStatus } from './provider-status.repository.js';

/** Extension: the state of an application at each provider. */
@ApiTags('Providers')
@Controller('imfpush/v1/apps/:applicationId/providers')
@UseGuards(ScopeGuard)
export class ProvidersController {
  constructor(
    private readonly applications: ApplicationsService,
    private readonly settings: ProviderSettingRepository,
    private readonly statuses: ProviderStatusRepository,
    private readonly clock: Clock,
  ) {}

  @Get()
  @RequireScope('settings.read')
  @ApiOperation({
    summary:
      'Read the state at each provider: last success, last error, pause, connections, rate and limit (extension)',
  })
  @ApiResponse({ status: 200, type: ProviderListAnswer })
  @ApiResponse({ status: 404, description: 'Unknown application' })
  async list(@Param('applicationId') applicationId: string): Promise<ProviderListAnswer> {
    await this.applications.getApplication(applicationId);
    const [settings, statuses, limits] = await Promise.all([
      this.settings.list(applicationId),
      this.statuses.list(applicationId, this.clock.now()),
      this.statuses.listLimits(applicationId),
    ]);
    const known = PROVIDER_NAMES.filter((name) => [...settings, ...statuses].some(({ provider }) => provider === name));
    return {
      providers: known.map((name) => {
        const setting = settings.find(({ provider }) => provider === name);
        const status = statuses.find(({ provider }) => provider === name);
        const limit = limits.find(({ provider }) => provider === name);
        return {
          provider: name,
          configured: setting !== undefined,
          ...(setting && describePause(setting)),
          ...(limit && { limitPerSecond: Math.round(limit.perSecond * 10) / 10 }),
          ...(limit?.blockedUntil && { blockedUntilTime: limit.blockedUntil.toISOString() }),
          ...(status && timesOf(status)),
          ...sum(status?.processes ?? []),
        };
      }),
    };
  }

  @Post(':provider/resume')
  @HttpCode(204)
  @RequireScope('apps.write')
  @ApiOperation({ summary: 'End the pause of an application at a provider (extension)' })
  @ApiResponse({ status: 404, description: 'Unknown application or provider' })
  @ApiResponse({ status: 409, description: 'The application is not paused at this provider' })
  async resume(@Param('applicationId') applicationId: string, @Param('provider') provider: string): Promise<void> {
    await this.applications.getApplication(applicationId);
    const name = PROVIDER_NAMES.find((known) => known === provider);
    if (!name) throw notFound('provider', 'provider');
    // The sweeper continues parked batches within two seconds.
    if (!(await this.settings.resume(applicationId, name)))
      throw new ApiError('CARIL0409E', `The application is not paused at ${name}.`);
  }
}

function timesOf(status: ProviderStatus): Partial<ProviderAnswer> {
  return {
    ...(status.lastSuccessAt && { lastSuccessTime: status.lastSuccessAt.toISOString() }),
    ...(status.lastErrorAt && { lastErrorTime: status.lastErrorAt.toISOString() }),
    ...(status.lastError !== null && { lastError: status.lastError }),
  };
}

function sum(
  processes: readonly ProcessStatus[],
): Pick<ProviderAnswer, 'processes' | 'connections' | 'streams' | 'inFlight' | 'ratePerSecond'> {
  const total = (field: 'connections' | 'streams' | 'inFlight' | 'rate'): number =>
    processes.reduce((all, process) => all + process[field], 0);
  return {
    processes: processes.length,
    connections: total('connections'),
    streams: total('streams'),
    inFlight: total('inFlight'),
    ratePerSecond: Math.round(total('rate') * 10) / 10,
  };
}
