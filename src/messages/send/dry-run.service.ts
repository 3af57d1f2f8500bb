import { Inject, Injectable } from '@nestjs/common';
import type { FoundApplication } from '../../applications/application.repository.js';
import { ApplicationsService } from '../../applications/applications.service.js';
import { ProviderSettingRepository } from '../../applications/provider-setting.repository.js';
import { Clock } from '../../common/clock.js';
import type { Target } from '../../database/tables.js';
import type { Placeholder } from '../../providers/notification.js';
import { PROVIDERS } from '../../providers/providers.module.js';
import type { Providers } from '../../providers/providers.module.js';
import type { ProviderName } from '../../providers/provider.js';
import { AudienceService } from './audience.service.js';
import type { DryRunAnswer, DryRunBlockAnswer as Block } from './dry-run.answers.js';
import { DryRunRepository } from './dry-run.repository.js';
import { estimate } from './estimate.js';
import { exclusionsOf } from './exclusion.js';
import { toBindingAnswer } from './estimate.answers.js';
import { EstimateRepository } from './estimate.repository.js';
import { measureSizes } from '../request/build-notification.js';
import type { Size } from '../request/build-notification.js';
import type { SendContext } from './messages.service.js';
import { textsOf } from '../request/warning.js';
import type { Warning } from '../request/warning.js';
import { longestValues } from '../request/personal-data.js';
import { prepareMessage } from '../request/prepare.js';
import type { Timing } from '../request/timing.js';
import { fillNotification } from '../../providers/placeholders.js';
import { RoutingService } from './routing.service.js';
import { SavedAudiencesService } from './saved-audiences.service.js';

const UPSTREAM: ProviderName = 'upstream';
const EXPIRES_FIRST: Warning = {
  code: 'expiresFirst',
  message: 'By the estimate the message expires before all its deliveries are sent.',
};

const DISABLED: Block = { code: 'applicationDisabled', reason: 'the application is disabled' };
const STOPPED: Block = { code: 'applicationStopped', reason: 'the application is stopped' };

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
    private readonly estimates: EstimateRepository,
    @Inject(PROVIDERS) private readonly providers: Providers,
    private readonly clock: Clock,
  ) {}

  /**
   * Throws as a send does, except for sizes, missing settings and a disabled application, which are part of the answer.
   */
  async tryMessage({ applicationId, via, strict }: SendContext, body: unknown): Promise<DryRunAnswer> {
    const application = await this.applications.getApplication(applicationId);
    const how = { now: this.clock.now(), strict: strict || application.strict };
    const audiences = await this.saved.findNamed(applicationId, [body]);
    const prepared = prepareMessage(body, this.providers, { ...how, audiences });
    const { notification, target, data, timing } = prepared;
    const way = await this.routing.chooseWay(application, prepared, via);
    const { providers, exact, excluded, ...here } = await this.countFromHere(
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
    const total = Object.values(providers).reduce((sum, count) => sum + count, 0);
    const estimated = upstream ? null : await this.estimateEnd(application, { providers, total }, { ...how, timing });
    const warnings = [
      ...prepared.warnings,
      ...way.warnings,
      ...(upstream ? [sayRelayed(upstream)] : []),
      ...here.warnings,
      ...(Date.parse(estimated?.finishTime ?? '') > timing.expiresAt.getTime() ? [EXPIRES_FIRST] : []),
    ];
    return {
      dryRun: true,
      audience: { total: upstream ? null : total, providers, exact },
      ...(upstream && { upstream }),
      excluded,
      exclusions: exclusionsOf(excluded),
      sizes,
      blocked: [
        ...(application.enabled ? [] : [DISABLED]),
        ...(application.stoppedAt ? [STOPPED] : []),
        ...(await this.findBlocked(applicationId, ways)),
        ...tooLarge(sizes),
      ],
      warnings: textsOf(warnings),
      warningDetails: warnings,
      ...(timing.sendAt && { sendTime: timing.sendAt.toISOString() }),
      expiresTime: timing.expiresAt.toISOString(),
      ...(estimated && { estimate: estimated }),
    };
  }

  /** Null if nothing would be sent. */
  private async estimateEnd(
    { id, stoppedAt, approvalAbove }: FoundApplication,
    { providers, total }: { providers: DryRunAnswer['audience']['providers']; total: number },
    { now, timing }: { now: number; timing: Timing },
  ): Promise<DryRunAnswer['estimate'] | null> {
    if (total === 0) return null;
    if (stoppedAt) return { binding: { kind: 'person', act: 'applicationStopped' }, ahead: 0 };
    if (approvalAbove !== null && total > approvalAbove)
      return { binding: { kind: 'person', act: 'approval' }, ahead: 0 };
    const from = Math.max(now, timing.sendAt?.getTime() ?? now);
    const names = Object.keys(providers) as ProviderName[];
    const { limits, workerSeenAt } = await this.estimates.read(id, names, { now, from });
    const shares = limits.map((each) => ({ limits: each, count: providers[each.provider] ?? 0 }));
    const found = estimate(shares, { at: now, from, workerSeenAt });
    return (
      found && {
        ...(found.finishAt !== null && { finishTime: new Date(found.finishAt).toISOString() }),
        binding: toBindingAnswer(found.binding),
        ahead: limits.reduce((sum, { ahead }) => sum + ahead, 0),
      }
    );
  }

  /** `target` null: no device here. The recipients of a relayed message are never looked up here. */
  private async countFromHere(
    applicationId: string,
    target: Target | null,
    placeholders: readonly Placeholder[],
  ): Promise<
    Pick<DryRunAnswer, 'excluded'> & { warnings: Warning[] } & Pick<DryRunAnswer['audience'], 'providers' | 'exact'>
  > {
    const providers: DryRunAnswer['audience']['providers'] = {};
    const excluded: DryRunAnswer['excluded'] = {};
    if (!target) return { providers, exact: true, excluded, warnings: [] };
    const warnings = await this.audience.checkTarget(applicationId, target);
    const { shares, exact } = await this.counts.countBounded(applicationId, target, placeholders);
    for (const { provider, reason, count } of shares)
      if (reason === null) providers[provider] = (providers[provider] ?? 0) + count;
      else excluded[reason] = (excluded[reason] ?? 0) + count;
    return { providers, exact, excluded, warnings };
  }

  private async findBlocked(applicationId: string, providers: readonly ProviderName[]): Promise<Block[]> {
    const states = new Map((await this.settings.list(applicationId)).map((each) => [each.provider, each]));
    return providers.flatMap((provider): Block[] => {
      if (this.providers[provider].parseSettings === null) return [];
      const state = states.get(provider);
      if (!state) {
        const reason = `${provider} is not configured for this application`;
        return [{ provider, code: 'notConfigured', reason }];
      }
      const { pausedReason } = state;
      if (pausedReason === null) return [];
      return [{ provider, code: 'providerPaused', reason: `paused: ${pausedReason}`, pausedReason }];
    });
  }
}

/** `direct`: the part of the target that is sent from here. */
function relayedShare(target: Target, direct: Target | null): NonNullable<DryRunAnswer['upstream']> {
  const of = (target.deviceIds ?? target.userIds)?.length;
  if (of === undefined) return { whole: true };
  const ids = of - ((direct?.deviceIds ?? direct?.userIds)?.length ?? 0);
  return { whole: direct === null, ids, of };
}

function sayRelayed({ whole, ids, of }: NonNullable<DryRunAnswer['upstream']>): Warning {
  const what = whole ? 'The whole message' : `The message to ${ids} of the ${of} ids of the target`;
  return {
    code: 'relayed',
    message: `${what} would be relayed to the upstream; its number of devices is known only there.`,
    ...(!whole && { count: ids, of }),
  };
}

/** The largest body per provider, because browsers of one provider differ by their settings. */
function tooLarge(sizes: readonly Size[]): Block[] {
  const worst = new Map<ProviderName, Size>();
  for (const size of sizes)
    if (size.bytes > size.limit && size.bytes > (worst.get(size.provider)?.bytes ?? 0)) worst.set(size.provider, size);
  return [...worst.values()].map(({ provider, bytes, limit }) => ({
    provider,
    code: 'tooLarge' as const,
    reason: `the message is ${bytes} bytes, the provider takes ${limit}`,
    bytes,
    limit,
  }));
}
