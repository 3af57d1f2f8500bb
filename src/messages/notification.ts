import { instanceToPlain } from 'class-transformer';
import { invalidValue } from '../common/errors.js';
import type { Notification } from '../providers/notification.js';
import type { ProviderName } from '../providers/provider.js';
import type { Providers } from '../providers/providers.module.js';
import type { SendMessageDto } from './message.dto.js';

/** The wire's message as providers see it, pure. The collapse id is the message's id, known when it is kept. */
export function toNotification(request: SendMessageDto): Omit<Notification, 'messageId' | 'expiresAt'> {
  const { apns, gcm, wns, chromeWeb, firefoxWeb, safariWeb } = request.settings ?? {};
  return {
    collapseId: '',
    alert: request.message.alert,
    url: request.message.url ?? undefined,
    apns: plain(apns),
    gcm: plain(gcm),
    wns: plain(wns),
    chromeWeb: plain(chromeWeb),
    firefoxWeb: plain(firefoxWeb),
    safariWeb: plain(safariWeb),
  };
}

function plain<T extends object>(settings: T | undefined): T | undefined {
  return settings ? withoutNull(instanceToPlain(settings) as T) : undefined;
}

/** Callers' serialisers write null for what they leave out. A payload is the caller's own and stays as it is. */
function withoutNull<T extends object>(settings: T): T {
  const given = Object.entries(settings)
    .filter(([, value]) => value !== undefined && value !== null)
    .map(([name, value]: [string, unknown]) => [
      name,
      typeof value === 'object' && value !== null && !Array.isArray(value) && name !== 'payload'
        ? withoutNull(value)
        : value,
    ]);
  return Object.fromEntries(given) as T;
}

/** Which provider a platform's limit is, and where its part of the settings is. */
const LIMITS = [
  { platform: 'A', provider: 'apns', settings: 'apns' },
  { platform: 'G', provider: 'fcm', settings: 'gcm' },
  { platform: 'W', provider: 'wns', settings: 'wns' },
  // A Huawei phone goes by what was said of Android.
  { platform: 'H', provider: 'hms', settings: 'gcm' },
  { platform: 'WEB_CHROME', provider: 'web-push', settings: 'chromeWeb' },
  { platform: 'WEB_FIREFOX', provider: 'web-push', settings: 'firefoxWeb' },
  { platform: 'WEB_SAFARI', provider: 'web-push', settings: 'safariWeb' },
] as const satisfies readonly { platform: string; provider: ProviderName; settings: keyof Notification }[];
const NO_SETTINGS = Object.fromEntries(LIMITS.map(({ settings }) => [settings, undefined]));
const ID_PLACEHOLDER = '00000000';

function longer({ alert, url = '' }: { alert: string; url?: string }): string {
  return Buffer.byteLength(url) > Buffer.byteLength(alert) ? 'message.url' : 'message.alert';
}

/** Throws FPWSE0005E naming the field that is too large for one of the providers the message may go to. */
export function checkSizes(
  notification: Omit<Notification, 'messageId' | 'expiresAt'>,
  platforms: readonly string[] | undefined,
  providers: Providers,
): void {
  const bare = {
    ...notification,
    ...NO_SETTINGS,
    messageId: ID_PLACEHOLDER,
    collapseId: ID_PLACEHOLDER,
    expiresAt: Number.MAX_SAFE_INTEGER,
  };
  for (const { platform, provider, settings } of LIMITS) {
    if (platforms && !platforms.includes(platform)) continue;
    const bytes = providers[provider].measure({ ...bare, [settings]: notification[settings] });
    const limit = providers[provider].maxBytes;
    if (bytes <= limit) continue;
    const field = providers[provider].measure(bare) <= limit ? `settings.${settings}` : longer(notification);
    throw invalidValue(field, `the message is ${bytes} bytes at ${provider}, which takes ${limit}`);
  }
}
