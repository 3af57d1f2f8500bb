import { instanceToPlain } from 'class-transformer';
import { invalidValue } from '../common/errors.js';
import type { Notification } from '../providers/notification.js';
import type { ProviderName } from '../providers/provider.js';
import type { Providers } from '../providers/providers.module.js';
import type { SendMessageDto } from './message.dto.js';

/** The wire's message as providers see it, pure. The collapse id is the message's id, known when it is kept. */
export function toNotification(request: SendMessageDto): Omit<Notification, 'messageId' | 'expiresAt'> {
  const { apns, gcm } = request.settings ?? {};
  return {
    collapseId: '',
    alert: request.message.alert,
    url: request.message.url,
    apns: apns && (instanceToPlain(apns, { exposeUnsetFields: false }) as Notification['apns']),
    gcm: gcm && (instanceToPlain(gcm, { exposeUnsetFields: false }) as Notification['gcm']),
  };
}

/** Which provider a platform's limit is, and where its part of the settings is. */
const LIMITS: readonly { platform: string; provider: ProviderName; settings: string }[] = [
  { platform: 'A', provider: 'apns', settings: 'settings.apns' },
  { platform: 'G', provider: 'fcm', settings: 'settings.gcm' },
];
const ID_PLACEHOLDER = '00000000';

/** Throws FPWSE0005E naming the field that is too large for one of the providers the message may go to. */
export function checkSizes(
  notification: Omit<Notification, 'messageId' | 'expiresAt'>,
  platforms: readonly string[] | undefined,
  providers: Providers,
): void {
  const whole = {
    ...notification,
    messageId: ID_PLACEHOLDER,
    collapseId: ID_PLACEHOLDER,
    expiresAt: Number.MAX_SAFE_INTEGER,
  };
  for (const { platform, provider, settings } of LIMITS) {
    if (platforms && !platforms.includes(platform)) continue;
    const bytes = providers[provider].measure(whole);
    const limit = providers[provider].maxBytes;
    if (bytes <= limit) continue;
    const field = Buffer.byteLength(notification.alert) > bytes / 2 ? 'message.alert' : settings;
    throw invalidValue(field, `the message is ${bytes} bytes at ${provider}, which takes ${limit}`);
  }
}
