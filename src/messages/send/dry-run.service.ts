import { Inject, Injectable } from '@nestjs/common';
import { ApplicationsService } from '../../applications/applications.service.js';
import { ProviderSettingRepository } from '../../applications/provider-setting.repository.js';
import { Clock } from '../../common/clock.js';
import type { Target } from '../../database/tables.js';
import type { Placeholder } from '../../providers/notification.js';
import { PROVIDERS } from '../../providers/providers.module.js';
import type { Providers } from '../../providers/providers.module.js';
import type { ProviderName } from '../../providers/provider.js';
import { AudienceService } from './audience.service.js';
import { DryRunRepository } from './dry-run.repository.js';
import { measureSizes } from '../request/notification.js';
import type { Size } from '../request/notification.js';
import type { Caller } from './messages.service.js';
import { longestValues } from '../request/personal-data.js';
import { prepareMessage } from '../request/prepare.js';
import { fillNotification } from '../../providers/placeholders.js';
import { RoutingService } from './routing.service.js';

const UPSTREAM: ProviderName = 'upstream';

export interface DryRun {
  dryRun: true;
  /** Devices that get it from here; `total` null: some get it through the upstream, and only there is known how many. */
  audience: { total: number | null; providers: Partial<Record<ProviderName, number>> };
  /** What is handed to the upstream: the whole message, or of the `of` ids of its target so many; absent: nothing. */
  upstream?: { whole: boolean; ids?: number; of?: number };
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
    private readonly routing: RoutingService,
    private readonly counts: DryRunRepository,
    @Inject(PROVIDERS) private readonly providers: Providers,
    private readonly clock: Clock,
  ) {}

  /**
   * Throws what a send throws, but for what it answers itself: sizes, settings, a disabled application.
   */
  async tryMessage({ applicationId, via, strict }: Caller, body: unknown): Promise<DryRun> {
    const application = await this.applications.getApplication(applicationId);
    const how = { now: this.clock.now(), strict: strict || application.strict };
    const prepared = prepareMessage(body, this.providers, how);
    const { notification, target, data, timing } = prepared;
    const way = await this.routing.chooseWay(application, prepared, via);
    const { providers, excluded, warnings } = await this.countFromHere(
      applicationId,
      way.direct,
      // Data that is given has every value for every user (checkComplete).
      data ? [] : (notification.placeholders ?? []),
    );
    const upstream = way.relay && relayedShare(target, way.direct);
    const sizes = measureSizes(
      { ...fillNotification(notification, longestValues(data)), placeholders: undefined },
      target.platforms,
      this.providers,
    );
    const ways: ProviderName[] = [...(Object.keys(providers) as ProviderName[]), ...(upstream ? [UPSTREAM] : [])];
    return {
      dryRun: true,
      audience: {
        total: upstream ? null : Object.values(providers).reduce((sum, count) => sum + count, 0),
        providers,
      },
      ...(upstream && { upstream }),
      excluded,
      sizes,
      blocked: [
        ...(application.enabled ? [] : [{ reason: 'the application is disabled' }]),
        ...(application.stoppedAt ? [{ reason: 'the application is stopped' }] : []),
        ...(await this.findBlocked(applicationId, ways)),
        ...tooLarge(sizes),
      ],
      warnings: [...prepared.warnings, ...way.warnings, ...(upstream ? [sayRelayed(upstream)] : []), ...warnings],
      ...(timing.sendAt && { sendTime: timing.sendAt.toISOString() }),
      expiresTime: timing.expiresAt.toISOString(),
    };
  }

  /** `target` null: nobody; whom a relayed message is for is not looked up here, neither now nor when it is sent. */
  private async countFromHere(
    applicationId: string,
    target: Target | null,
    placeholders: readonly Placeholder[],
  ): Promise<{ providers: DryRun['audience']['providers']; excluded: DryRun['excluded']; warnings: string[] }> {
    const providers: DryRun['audience']['providers'] = {};
    const excluded: DryRun['excluded'] = {};
    if (!target) return { providers, excluded, warnings: [] };
    const warnings = await this.audience.checkTarget(applicationId, target);
    for (const { provider, reason, count } of await this.counts.count(applicationId, target, placeholders))
      if (reason === null) providers[provider] = count;
      else excluded[reason] = (excluded[reason] ?? 0) + count;
    return { providers, excluded, warnings };
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

/** `direct`: whom it goes to from here. */
function relayedShare(target: Target, direct: Target | null): NonNullable<DryRun['upstream']> {
  const of = (target.deviceIds ?? target.userIds)?.length;
  if (of === undefined) return { whole: true };
  const ids = of - ((direct?.deviceIds ?? direct?.userIds)?.length ?? 0);
  return { whole: direct === null, ids, of };
}

function sayRelayed({ whole, ids, of }: NonNullable<DryRun['upstream']>): string {
  const what = whole ? 'The whole message' : `The message to ${ids} of the ${of} ids of the target`;
  return `${what} would be handed to the upstream; how many devices it reaches is known only there.`;
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
