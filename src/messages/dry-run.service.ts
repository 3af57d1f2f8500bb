import { Inject, Injectable } from '@nestjs/common';
import { ApplicationsService } from '../applications/applications.service.js';
import { ProviderSettingRepository } from '../applications/provider-setting.repository.js';
import { Clock } from '../common/clock.js';
import { PROVIDERS } from '../providers/providers.module.js';
import type { Providers } from '../providers/providers.module.js';
import type { ProviderName } from '../providers/provider.js';
import { AudienceService } from './audience.service.js';
import { DryRunRepository } from './dry-run.repository.js';
import { measureSizes } from './notification.js';
import type { Size } from './notification.js';
import { longestValues } from './personal-data.js';
import { prepareMessage } from './prepare.js';
import { fillNotification } from '../providers/placeholders.js';

export interface DryRun {
  dryRun: true;
  audience: { total: number; providers: Partial<Record<ProviderName, number>> };
  /** Devices that the target means and that would get nothing, by reason. */
  excluded: Record<string, number>;
  sizes: Size[];
  /** What would stop it. */
  blocked: { provider?: ProviderName; reason: string }[];
  warnings: string[];
  sendTime?: string;
  expiresTime: string;
}

/** What would happen to a message; nothing is kept and nothing sent. */
@Injectable()
export class DryRunService {
  constructor(
    private readonly applications: ApplicationsService,
    private readonly settings: ProviderSettingRepository,
    private readonly audience: AudienceService,
    private readonly counts: DryRunRepository,
    @Inject(PROVIDERS) private readonly providers: Providers,
    private readonly clock: Clock,
  ) {}

  /** Throws what a send throws, but for what it answers itself: sizes, settings, a disabled application. */
  async tryMessage(applicationId: string, body: unknown): Promise<DryRun> {
    const { enabled } = await this.applications.getApplication(applicationId);
    const { notification, target, data, timing, warnings } = prepareMessage(body, this.providers, this.clock.now());
    const { warnings: unknown } = await this.audience.resolve(applicationId, target, { wide: false });
    const shares = await this.counts.count(applicationId, target);
    const providers: DryRun['audience']['providers'] = {};
    const excluded: DryRun['excluded'] = {};
    for (const { provider, reason, count } of shares)
      if (reason === null) providers[provider] = count;
      else excluded[reason] = (excluded[reason] ?? 0) + count;
    const sizes = measureSizes(
      { ...fillNotification(notification, longestValues(data)), placeholders: undefined },
      target.platforms,
      this.providers,
    );
    return {
      dryRun: true,
      audience: { total: Object.values(providers).reduce((sum, count) => sum + count, 0), providers },
      excluded,
      sizes,
      blocked: [
        ...(enabled ? [] : [{ reason: 'the application is disabled' }]),
        ...(await this.findBlocked(applicationId, Object.keys(providers) as ProviderName[])),
        ...tooLarge(sizes),
      ],
      warnings: [...warnings, ...unknown],
      ...(timing.sendAt && { sendTime: timing.sendAt.toISOString() }),
      expiresTime: timing.expiresAt.toISOString(),
    };
  }

  private async findBlocked(applicationId: string, providers: readonly ProviderName[]): Promise<DryRun['blocked']> {
    const states = new Map((await this.settings.list(applicationId)).map((each) => [each.provider, each]));
    return providers.flatMap((provider) => {
      if (this.providers[provider].parseSettings === null) return [];
      const state = states.get(provider);
      if (!state) return [{ provider, reason: `${provider} is not configured for this application` }];
      return state.pausedReason === null ? [] : [{ provider, reason: `paused: ${state.pausedReason}` }];
    });
  }
}

/** The largest of each provider: its browsers differ by their settings. */
function tooLarge(sizes: readonly Size[]): DryRun['blocked'] {
  const worst = new Map<ProviderName, Size>();
  for (const size of sizes)
    if (size.bytes > size.limit && size.bytes > (worst.get(size.provider)?.bytes ?? 0)) worst.set(size.provider, size);
  return [...worst.values()].map(({ provider, bytes, limit }) => ({
    provider,
    reason: `the message is ${bytes} bytes, the provider takes ${limit}`,
  }));
}
