import type { Notification } from '../notification.js';
import type { Identified, Provider, ProviderSettings, Sender } from '../provider.js';
import { guardedLookup, type Resolve } from '../../common/public-address.js';
import { wayOf, type Egress } from '../../common/tunnel.js';
import { Encrypter } from './web-push.encrypter.js';
import { MAX_PLAINTEXT_BYTES } from './web-push.encryption.js';
import { largestWebPushBody, webPushBody } from './web-push.payload.js';
import { identifySubscription } from './web-push.identity.js';
import { WebPushSender, type WebPushSenderOptions } from './web-push.sender.js';
import { openWebPushSettings, parseWebPushSettings, type WebPushCredentials } from './web-push.settings.js';
import { VapidTokens } from './web-push.vapid.js';

export interface WebPushProviderOptions extends Egress {
  /** Allows endpoints at private addresses, for simulators. */
  allowPrivate?: boolean;
  /** Hosts that endpoints may name; empty or absent: any host. */
  hosts?: readonly string[];
  /** Resolves host names; absent: the system's resolver. */
  resolve?: Resolve;
}

/** Web Push (RFC 8030) with VAPID (RFC 8292) and encrypted payloads (RFC 8291), to any push service of a browser. */
export class WebPushProvider implements Provider {
  readonly name = 'web-push';
  readonly maxBytes = MAX_PLAINTEXT_BYTES;
  readonly carriesReceiptToken = true;
  readonly parseSettings = parseWebPushSettings;
  private readonly encrypter = new Encrypter();
  /** One entry per key and subject: settings that are opened again continue with their JWTs. */
  private readonly tokens = new Map<string, VapidTokens>();
  private readonly options: WebPushSenderOptions;

  constructor({ ca, proxy, allowPrivate = false, hosts = [], resolve }: WebPushProviderOptions) {
    const lookup = guardedLookup(allowPrivate, resolve);
    // A proxy resolves the names of hosts that the operator has listed; those of other hosts are looked up here.
    const way = wayOf({ ca, proxy }, hosts.length > 0 ? undefined : lookup);
    this.options = { ...way, allowPrivate, hosts, lookup };
  }

  identify(token: string): Identified {
    return identifySubscription(token, this.options);
  }

  measure(notification: Notification): number {
    return largestWebPushBody(notification);
  }

  render(notification: Notification, platform: string): string[] {
    return [webPushBody(notification, platform).toString()];
  }

  open(settings: ProviderSettings): Sender {
    return new WebPushSender(this.tokensOf(openWebPushSettings(settings)), this.encrypter, this.options);
  }

  private tokensOf({ key, publicKey, subject }: WebPushCredentials): VapidTokens {
    const name = `${publicKey} ${subject}`;
    const tokens = this.tokens.get(name) ?? new VapidTokens(key, publicKey, subject);
    this.tokens.set(name, tokens);
    return tokens;
  }
}
