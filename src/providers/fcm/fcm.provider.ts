import { wallClock } from '../../common/clock.js';
import type { LookupFunction } from 'node:net';
import { MINUTE_MS } from '../../common/durations.js';
import { guardedLookup, type Resolve } from '../../common/public-address.js';
import { wayOf, type Egress } from '../../common/tunnel.js';
import { BearerTokens } from '../shared/bearer-tokens.js';
import type { Notification } from '../notification.js';
import { identifyOpaque } from '../shared/opaque-token.js';
import type { Identified, Provider, ProviderSettings, Sender } from '../provider.js';
import type { TokenShelf } from '../token-shelf.js';
import { MAX_BODY_BYTES, buildFcmBody } from './fcm.payload.js';
import { FcmSender } from './fcm.sender.js';
import { openFcmSettings, parseFcmSettings } from './fcm.settings.js';
import type { TokenRules } from './fcm.settings.js';
import { assertionGrant } from './fcm.token.js';

export interface FcmProviderOptions extends Partial<TokenRules>, Egress {
  /** Origin of the send API, e.g. `https://fcm.googleapis.com`. The token endpoint is in the service account. */
  url: string;
}

/** Firebase Cloud Messaging, HTTP v1 API over HTTP/2. */
export class FcmProvider implements Provider {
  readonly name = 'fcm';
  readonly maxBytes = MAX_BODY_BYTES;
  readonly carriesReceiptToken = true;
  /** Firebase ("Best practices when sending FCM messages at scale"): a minute up to the quota of 600,000 a minute. */
  readonly ramp = { from: 1_000, to: 10_000, overMs: MINUTE_MS };
  private readonly rules: TokenRules;
  private readonly lookup: LookupFunction;

  constructor(
    private readonly options: FcmProviderOptions,
    resolve?: Resolve,
  ) {
    const { tokenHosts = [], production = false } = options;
    this.rules = { tokenHosts, production };
    this.lookup = guardedLookup(!production, resolve);
  }

  readonly parseSettings = (input: Record<string, unknown>): ProviderSettings => parseFcmSettings(input, this.rules);

  identify(token: string): Identified {
    return identifyOpaque(token);
  }

  measure(notification: Notification): number {
    return buildFcmBody(notification, wallClock()).largestBytes;
  }

  render(notification: Notification): string[] {
    return [buildFcmBody(notification, wallClock()).for('…').toString()];
  }

  open(settings: ProviderSettings, shelf: TokenShelf): Sender {
    const account = openFcmSettings(settings, this.rules);
    // The operator has listed the token endpoint's host, so a proxy may resolve its name.
    const tokens = new BearerTokens({ ...assertionGrant(account), lookup: this.lookup }, wayOf(this.options), shelf);
    return new FcmSender(this.options, account.projectId, tokens);
  }
}
