import { Inject, Injectable } from '@nestjs/common';
import type { OnModuleDestroy } from '@nestjs/common';
import { ProviderSettingRepository } from '../applications/provider-setting.repository.js';
import type { ClaimTerms } from './claim.repository.js';
import type { ProviderName, Sender } from '../providers/provider.js';
import { PROVIDERS } from '../providers/providers.module.js';
import type { Providers } from '../providers/providers.module.js';
import { SharedTokenRepository } from './shared-token.repository.js';

/** Applications whose connections one process keeps open; the one unused for longest closes first. */
const MAX_OPEN = 500;

interface Open {
  version: number;
  sender: Promise<Sender | null>;
}

/** The open senders of this process, one per application and provider, replaced when the settings' version changes. */
@Injectable()
export class Senders implements OnModuleDestroy {
  /** In order of last use. */
  private readonly open = new Map<string, Open>();

  constructor(
    @Inject(PROVIDERS) private readonly providers: Providers,
    private readonly settings: ProviderSettingRepository,
    private readonly shelf: SharedTokenRepository,
  ) {}

  /** What claiming a batch of the provider must know. */
  terms(provider: ProviderName): ClaimTerms {
    const { parseSettings, ramp } = this.providers[provider];
    return { needsSettings: parseSettings !== null, ramp };
  }

  /** Null when the application has no settings for the provider. */
  async get(applicationId: string, provider: ProviderName, version: number | null): Promise<Sender | null> {
    if (version === null) return null;
    // A provider without settings has one sender for all.
    const key = this.terms(provider).needsSettings ? `${provider} ${applicationId}` : provider;
    const known = this.open.get(key);
    this.open.delete(key);
    if (known && known.version >= version) {
      this.open.set(key, known);
      return known.sender;
    }
    if (known) void closeQuietly(known);
    const opened = { version, sender: this.openSender(applicationId, provider) };
    this.open.set(key, opened);
    opened.sender.catch(() => this.open.delete(key));
    this.closeOldest();
    return opened.sender;
  }

  async onModuleDestroy(): Promise<void> {
    await Promise.all([...this.open.values()].map(closeQuietly));
    this.open.clear();
  }

  private async openSender(applicationId: string, name: ProviderName): Promise<Sender | null> {
    const provider = this.providers[name];
    if (!provider.parseSettings) return provider.open({ visible: {}, secret: {} }, this.shelf, applicationId);
    const settings = await this.settings.find(applicationId, name);
    return settings ? provider.open(settings, this.shelf, applicationId) : null;
  }

  private closeOldest(): void {
    const [oldest] = this.open;
    if (this.open.size <= MAX_OPEN || !oldest) return;
    this.open.delete(oldest[0]);
    void closeQuietly(oldest[1]);
  }
}

/** Requests in flight finish first; nobody waits for it. */
async function closeQuietly(open: Open): Promise<void> {
  const sender = await open.sender.catch(() => null);
  await sender?.close().catch(() => undefined);
}
