import { Inject, Injectable } from '@nestjs/common';
import { SECOND_MS } from '../common/durations.js';
import { DeadlineError, withDeadline } from '../common/deadline.js';
import { InvalidSettings } from '../providers/provider.js';
import type { ProviderName, ProviderSettings, Verdict } from '../providers/provider.js';
import { PROVIDERS } from '../providers/providers.module.js';
import type { Providers } from '../providers/providers.module.js';
import type { TokenShelf } from '../providers/token-shelf.js';
import type { SettingsTestAnswer } from './settings.answers.js';
import { SettingsService } from './settings.service.js';
import { SharedTokenRepository } from './shared-token.repository.js';

/** Longer than a request to a token endpoint may take. */
const LONGEST_MS = 20 * SECOND_MS;

/** A shared token was issued earlier, perhaps before the secret was revoked: the test requests its own. */
const EMPTY_SHELF: TokenShelf = {
  take: () => Promise.resolve(undefined),
  put: (_name, fresh) => Promise.resolve(fresh),
};

/** The next step after a refusal. */
const CURES: Readonly<Record<ProviderName, string>> = {
  apns: 'Compare key, key id, team id, bundle id and isSandBox with the Apple developer account, or upload a newer certificate.',
  fcm: 'Create a new key of the service account in the Firebase console, and enable the Firebase Cloud Messaging API.',
  hms: 'Compare the ids and the secret with AppGallery Connect, and enable Push Kit there.',
  wns: 'Compare the package SID or the tenant and client ids with the Partner Center, and set a secret that has not expired.',
  'web-push': 'Put both keys of one pair, or put the contact alone to keep the stored pair.',
  upstream: 'Compare address, client id and secret with the MobileFirst server, and allow the client the scope there.',
  sandbox: '',
};

/** Tests credentials at their provider; nothing is sent to a device. */
@Injectable()
export class SettingsTestService {
  constructor(
    private readonly settings: SettingsService,
    private readonly shelf: SharedTokenRepository,
    @Inject(PROVIDERS) private readonly providers: Providers,
  ) {}

  /** `body`: settings that are not stored yet; without fields, the stored ones are tested. */
  async test(applicationId: string, name: ProviderName, body: unknown): Promise<SettingsTestAnswer> {
    const settings = await this.settings.wouldBe(applicationId, name, body);
    const verdict = await this.probe(applicationId, name, settings);
    if (verdict.action === 'accept') return { result: 'accepted' };
    const reason = 'reason' in verdict ? verdict.reason : verdict.action;
    if (verdict.action === 'stopApplication' || verdict.action === 'fail')
      return { result: 'refused', reason, next: CURES[name] };
    return {
      result: 'unavailable',
      reason,
      next: 'Try again later. If it stays, check the way from here to the host.',
    };
  }

  private async probe(applicationId: string, name: ProviderName, given: ProviderSettings): Promise<Verdict> {
    const provider = this.providers[name];
    const stop = new AbortController();
    try {
      const settings = (await provider.renewSettings?.(given)) ?? given;
      // Apple counts the tokens of a team, so APNs is asked with the one that all processes share.
      const sender = provider.open(settings, name === 'apns' ? this.shelf : EMPTY_SHELF, applicationId);
      const asked = sender.probe?.(stop.signal) ?? Promise.resolve<Verdict>({ action: 'accept' });
      void asked
        .catch(() => undefined)
        .then(() => sender.close())
        .catch(() => undefined);
      return await withDeadline('The provider', LONGEST_MS, asked);
    } catch (error) {
      if (error instanceof InvalidSettings)
        return { action: 'stopApplication', reason: `${error.field} ${error.message}` };
      if (error instanceof DeadlineError) return { action: 'ambiguous', reason: error.message };
      throw error;
    } finally {
      stop.abort();
    }
  }
}
