import { Inject, Injectable } from '@nestjs/common';
import type { OnApplicationShutdown } from '@nestjs/common';
import { ProviderSettingRepository } from '../../applications/provider-setting.repository.js';
import { Clock } from '../../common/clock.js';
import { HOUR_MS } from '../../common/durations.js';
import { openConnections } from '../../common/meters.js';
import type { ConnectionCounts } from '../../common/meters.js';
import type { ClaimTerms } from './claim-row.repository.js';
import type { ProviderName, Sender, Verdict } from '../../providers/provider.js';
import { InvalidSettings } from '../../providers/provider.js';
import { PROVIDERS } from '../../providers/providers.module.js';
import type { Providers } from '../../providers/providers.module.js';
import { RefusedSender } from '../../providers/refused-sender.js';
import { SharedTokenRepository } from '../../applications/shared-token.repository.js';

/** Senders that one process keeps open; the one unused for longest closes first. */
const MAX_OPEN = 500;
/** A sender that is unused for this long closes: its application or settings may be gone. */
const IDLE_MS = HOUR_MS;

/** Wait after settings could not be read. */
const UNREADABLE_MS = 5_000;

/** A sender without `close`: only `Senders` closes it, after its last batch. */
export type OpenSender = Pick<Sender, 'send' | 'stats'>;

interface Open {
  version: number;
  /** Steps of the clock before it was opened. */
  steps: number;
  sender: Promise<Sender | null>;
  /** By a clock that never steps. */
  usedAt: number;
  /** Number of batches that are being sent through it. */
  sending: number;
  /** True if it is no longer given out: it closes after its last batch. */
  retired: boolean;
}

/**
 * The open senders of this process, one per application and provider. A sender is replaced when the settings' version
 * changes or the clock has stepped, because its open breakers and counted refusals may have been caused by the wrong
 * time.
 */
@Injectable()
export class Senders implements OnApplicationShutdown {
  /** In order of last use. */
  private readonly open = new Map<string, Open>();

  constructor(
    @Inject(PROVIDERS) private readonly providers: Providers,
    private readonly settings: ProviderSettingRepository,
    private readonly shelf: SharedTokenRepository,
    private readonly clock: Clock,
  ) {
    openConnections.from(this.stats);
  }

  /** The facts about the provider that a claim needs. */
  terms(provider: ProviderName): ClaimTerms {
    const { parseSettings, ramp } = this.providers[provider];
    return { needsSettings: parseSettings !== null, ramp };
  }

  /**
   * Returns null if the application has no settings for the provider. Deliveries use the newest settings that are known
   * when they are sent, and the sender does not close during a send.
   */
  async get(applicationId: string, provider: ProviderName, version: number | null): Promise<OpenSender | null> {
    if (version === null) return null;
    const sender = await this.find(applicationId, provider, version).sender;
    if (!sender) return null;
    return {
      send: (...given) => this.send(this.find(applicationId, provider, version), given),
      stats: () => sender.stats(),
    };
  }

  /** Called after the drain, because open batches use these senders. */
  async onApplicationShutdown(): Promise<void> {
    openConnections.without(this.stats);
    await Promise.all([...this.open.values()].map(closeQuietly));
    this.open.clear();
  }

  private readonly stats = async (): Promise<ConnectionCounts[]> => {
    const open = [...this.open].map(async ([key, { sender }]) => {
      const stats = (await sender.catch(() => null))?.stats();
      return stats ? [{ provider: key.split(' ')[0]!, ...stats }] : [];
    });
    return (await Promise.all(open)).flat();
  };

  private async openSender(applicationId: string, name: ProviderName): Promise<Sender | null> {
    const provider = this.providers[name];
    if (!provider.parseSettings) return provider.open({ visible: {}, secret: {} }, this.shelf, applicationId);
    const kept = await this.settings.find(applicationId, name);
    if (!kept) return null;
    try {
      const settings = (await provider.renewSettings?.(kept)) ?? kept;
      // If storing fails, the next process that opens the settings renews them again.
      if (settings !== kept)
        await this.settings.renew(applicationId, name, kept.version, settings).catch(() => undefined);
      return provider.open(settings, this.shelf, applicationId);
    } catch (error) {
      if (error instanceof InvalidSettings) return new RefusedSender(`${error.field} ${error.message}`);
      throw error;
    }
  }

  private find(applicationId: string, provider: ProviderName, version: number): Open {
    // A provider without settings has one sender for all applications.
    const key = this.terms(provider).needsSettings ? `${provider} ${applicationId}` : provider;
    const known = this.open.get(key);
    this.open.delete(key);
    const isCurrent = known?.steps === this.clock.steps() && known.version >= version;
    if (known && !isCurrent) retire(known);
    const opened = isCurrent ? known : this.openAnew(applicationId, provider, version);
    opened.usedAt = this.clock.elapsed();
    this.open.set(key, opened);
    if (!isCurrent) opened.sender.catch(() => this.open.get(key) === opened && this.open.delete(key));
    this.retireUnused();
    return opened;
  }

  private openAnew(applicationId: string, provider: ProviderName, version: number): Open {
    const [steps, sender] = [this.clock.steps(), this.openSender(applicationId, provider)];
    return { version, steps, sender, usedAt: 0, sending: 0, retired: false };
  }

  private async send(
    open: Open,
    [notification, recipients, report, signal]: Parameters<Sender['send']>,
  ): Promise<void> {
    open.sending++;
    try {
      const sender = await open.sender.catch(() => null);
      if (sender) return await sender.send(notification, recipients, report, signal);
      // The settings were replaced after the claim and cannot be read now, or were removed: the next claim decides.
      const held: Verdict = {
        action: 'held',
        reason: 'the settings changed',
        forMs: UNREADABLE_MS,
      };
      for (const index of recipients.keys()) report(index, held);
    } finally {
      open.sending--;
      if (open.retired) retire(open);
    }
  }

  private retireUnused(): void {
    for (const [key, oldest] of this.open) {
      if (this.open.size <= MAX_OPEN && this.clock.elapsed() - oldest.usedAt < IDLE_MS) return;
      this.open.delete(key);
      retire(oldest);
    }
  }
}

function retire(open: Open): void {
  open.retired = true;
  if (open.sending === 0) void closeQuietly(open);
}

/** Finishes requests in flight first; the caller does not wait. */
async function closeQuietly(open: Open): Promise<void> {
  const sender = await open.sender.catch(() => null);
  await sender?.close().catch(() => undefined);
}
