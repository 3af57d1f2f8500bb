import { tunnelThrough, type Egress } from '../../common/tunnel.js';
import type { Notification } from '../notification.js';
import type { Identified, Provider, ProviderSettings, Sender } from '../provider.js';
import { shelfName, type TokenShelf } from '../token-shelf.js';
import { identifyDeviceToken } from './apns.device-token.js';
import { MAX_BODY_BYTES, apnsBody } from './apns.payload.js';
import { ApnsSender } from './apns.sender.js';
import { openApnsSettings, parseApnsSettings, renewApnsSettings, type ApnsKey } from './apns.settings.js';
import { ProviderToken } from './apns.token.js';

export interface ApnsProviderOptions extends Egress {
  /** Origins of the two environments, e.g. `https://api.push.apple.com`. */
  productionUrl: string;
  sandboxUrl: string;
}

/** Apple Push Notification service over HTTP/2, with a token key or a certificate. */
export class ApnsProvider implements Provider {
  readonly name = 'apns';
  readonly maxBytes = MAX_BODY_BYTES;
  readonly carriesReceiptToken = true;
  readonly parseSettings = parseApnsSettings;
  readonly renewSettings = renewApnsSettings;
  /**
   * One entry per key, never removed: applications of a team share its JWT, and a key that is opened again continues
   * with its JWT, because Apple counts renewals.
   */
  private readonly tokens = new Map<string, ProviderToken>();

  constructor(private readonly options: ApnsProviderOptions) {}

  identify(token: string): Identified {
    return identifyDeviceToken(token);
  }

  measure(notification: Notification): number {
    return apnsBody(notification).length;
  }

  render(notification: Notification): string[] {
    return [apnsBody(notification).toString()];
  }

  open(settings: ProviderSettings, shelf: TokenShelf): Sender {
    const credentials = openApnsSettings(settings);
    const origin = credentials.isSandBox ? this.options.sandboxUrl : this.options.productionUrl;
    const { identity, bundleId } = credentials;
    const { ca } = this.options;
    const tunnel = tunnelThrough(this.options);
    return 'key' in identity
      ? new ApnsSender(origin, tunnel, { ca }, bundleId, this.tokenOf(identity.key, shelf))
      : new ApnsSender(origin, tunnel, { ca, ...identity.certificate }, bundleId, null);
  }

  private tokenOf(key: ApnsKey, shelf: TokenShelf): ProviderToken {
    const name = shelfName('apns', key.teamId, key.keyId, key.key.export({ type: 'pkcs8', format: 'pem' }).toString());
    const token = this.tokens.get(name) ?? new ProviderToken(key, name, shelf);
    this.tokens.set(name, token);
    return token;
  }
}
