import { wallClock } from '../../common/clock.js';
import type { Egress } from '../../common/tunnel.js';
import type { Notification } from '../notification.js';
import { canonicalUri } from '../shared/canonical-uri.js';
import type { Identified, Provider, ProviderSettings, Sender } from '../provider.js';
import type { TokenShelf } from '../token-shelf.js';
import { readChannel } from './wns.channel.js';
import { MAX_BODY_BYTES, buildWnsRequests } from './wns.payload.js';
import { WnsSender, type WnsEndpoints } from './wns.sender.js';
import { openWnsSettings, parseWnsSettings } from './wns.settings.js';

/** Windows Push Notification Services: one POST over HTTP/1.1 to each device's channel URI. */
export class WnsProvider implements Provider {
  readonly name = 'wns';
  readonly maxBytes = MAX_BODY_BYTES;
  readonly carriesReceiptToken = true;
  readonly parseSettings = parseWnsSettings;

  constructor(private readonly options: WnsEndpoints & Egress) {}

  identify(token: string): Identified {
    const channel = /\s/.test(token) ? undefined : readChannel(token, this.options.channelHost);
    if (channel !== undefined) return { identity: canonicalUri(new URL(channel)) };
    return { refusal: `it must be an https channel URI at ${this.options.channelHost}, without white space` };
  }

  measure(notification: Notification): number {
    return Math.max(...buildWnsRequests(notification, wallClock()).map(({ body }) => body.length));
  }

  render(notification: Notification): string[] {
    return buildWnsRequests(notification, wallClock()).map(({ body }) => body.toString());
  }

  open(settings: ProviderSettings, shelf: TokenShelf): Sender {
    return new WnsSender(this.options, openWnsSettings(settings), shelf);
  }
}
