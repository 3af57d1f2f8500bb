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
import { measureSizes } from '../request/build-notification.js';
import type { Size } from '../request/build-notification.js';
import type { SendContext } from './messages.service.js';
import { longestValues } from '../request/personal-data.js';
import { prepareMessage } from '../request/prepare.js';
import { fillNotification } from '../../providers/placeholders.js';
import { RoutingService } from './routing.service.js';
import { SavedAudiencesService } from './saved-audiences.service.js';

const UPSTREAM: ProviderName = 'upstream';

export interface DryRun {
  dryRun: true;
  /**
   * Devices that would get the message from here. `total` null: the upstream relays a part, and its audience is unknown
   * here.
   */
  audience: { total: number | null; providers: Partial<Record<ProviderName, number>> };
  /** The part for the upstream: the whole message, or `ids` of the `of` ids in the target; absent: nothing. */
  upstream?: { whole: boolean; ids?: number; of?: number };
  /** Devices of the target that would get nothing, by reason. */
  excluded: Record<string, number>;
  sizes: Size[];
  /** Reasons why the message would not be sent. */
  blocked: { provider?: ProviderName; reason: string }[];
  warnings: string[];
  sendTime?: string;
  expiresTime: string;
}

/** Reports the effect of a message without storing or sending anything. */
@Injectable()
export class DryRunService {
  constructor(
    private readonly applications: ApplicationsService,
    private readonly settings: ProviderSettingRepository,
    private readonly audience: AudienceService,
    private readonly saved: SavedAudiencesService,
    private readonly routing: RoutingService,
    private readonly counts: DryRunRepository,
    @Inject(PROVIDERS) private readonly providers: Providers,
    private readonly clock: Clock,
  ) {}

  /**
   * Throws as a send does, except for sizes, missing settings and a disabled application, which are part of the answer.
   */
  async tryMessage({ applicationId, via, strict }: SendContext, body: unknown): Promise<DryRun> {
    const application = await this.applications.getApplication(applicationId);
    const how = { now: this.clock.now(), strict: strict || application.strict };
    const audiences = await this.saved.findNamed(applicationId, [body]);
    const prepared = prepareMessage(body, this.providers, { ...how, audiences });
    const { notification, target, data, timing } = prepared;
    const way = await this.routing.chooseWay(application, prepared, via);
    const { providers, excluded, warnings } = await this.countFromHere(
      applicationId,
      way.direct,
      // If data is given, every user has every value (checkComplete).
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

  /** `target` null: no device here. The recipients of a relayed message are never looked up here. */
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
      if (reason === null) providers[provider] = (providers[provider] ?? 0) + count;
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

/** `direct`: the part of the target that is sent from here. */
function relayedShare(target: Target, direct: Target | null): NonNullable<DryRun['upstream']> {
  const of = (target.deviceIds ?? target.userIds)?.length;
  if (of === undefined) return { whole: true };
  const ids = of - ((direct?.deviceIds ?? direct?.userIds)?.length ?? 0);
  return { whole: direct === null, ids, of };
}

function sayRelayed({ whole, ids, of }: NonNullable<DryRun['upstream']>): string {
  const what = whole ? 'The whole message' : `The message to ${ids} of the ${of} ids of the target`;
  return `${what} would be relayed to the upstream; its number of devices is known only there.`;
}

/** The largest body per provider, because browsers of one provider differ by their settings. */
function tooLarge(sizes: readonly Size[]): DryRun['blocked'] {
  const worst = new Map<ProviderName, Size>();
  for (const size of sizes)
    if (size.bytes > size.limit && size.bytes > (worst.get(size.provider)?.bytes ?? 0)) worst.set(size.provider, size);
  return [...worst.values()].map(({ provider, bytes, limit }) => ({
    provider,
    reason: `the message is ${bytes} bytes, the provider takes ${limit}`,
  }));
}
