import { wallClock } from '../../common/clock.js';
import type { Egress } from '../../common/tunnel.js';
import type { Notification } from '../notification.js';
import { identifyOpaque } from '../shared/opaque-token.js';
import type { Identified, Provider, ProviderSettings, Sender } from '../provider.js';
import type { TokenShelf } from '../token-shelf.js';
import { MAX_BODY_BYTES, buildAndroidBody, buildHarmonyBody } from './hms.payload.js';
import { HmsSender, type HmsEndpoints } from './hms.sender.js';
import { openHmsSettings, parseHmsSettings } from './hms.settings.js';

/** Huawei Push Kit over HTTP/1.1, up to 1000 devices per request. */
export class HmsProvider implements Provider {
  readonly name = 'hms';
  readonly maxBytes = MAX_BODY_BYTES;
  readonly parseSettings = parseHmsSettings;

  constructor(private readonly options: HmsEndpoints & Egress) {}

  identify(token: string): Identified {
    return identifyOpaque(token);
  }

  /**
   * The larger of both forms, because only the credentials tell which one is sent. With normal urgency, the longer
   * word: a message that may not be urgent is repeated with it.
   */
  measure(notification: Notification): number {
    const now = wallClock();
    return Math.max(buildAndroidBody(notification, now, 'NORMAL').bytes, buildHarmonyBody(notification, now).bytes);
  }

  /** Of the Android app; the HarmonyOS app gets the same texts in another form. */
  render(notification: Notification): string[] {
    return [buildAndroidBody(notification, wallClock()).for(['…']).toString()];
  }

  open(settings: ProviderSettings, shelf: TokenShelf): Sender {
    return new HmsSender(this.options, openHmsSettings(settings), shelf);
  }
}
