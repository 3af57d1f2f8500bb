import { invalidValue } from '../../common/errors.js';
import { toPlain } from '../../common/fields.js';
import type { Notification } from '../../providers/notification.js';
import { fillNotification, findPlaceholders } from '../../providers/placeholders.js';
import type { Values } from '../../providers/placeholders.js';
import type { ProviderName } from '../../providers/provider.js';
import type { Providers } from '../../providers/providers.module.js';
import type { SendMessageDto } from './message.dto.js';
import { longestValues } from './personal-data.js';
import type { PersonalData } from './personal-data.js';

/** Twice what the seven platforms take together: a placeholder is longer than the text that it may become. */
const MOST_TO_FILL = 65_536;

export type NewNotification = Omit<Notification, 'messageId' | 'expiresAt'>;

/** The wire's message as providers see it, pure. Without a collapse id of its own it gets the message's id, when it is kept. */
export function toNotification(request: SendMessageDto): NewNotification {
  const { apns, gcm, wns, chromeWeb, firefoxWeb, safariWeb } = request.settings ?? {};
  const notification: NewNotification = {
    collapseId: request.collapseId ?? '',
    alert: request.message.alert,
    url: request.message.url ?? undefined,
    nowOrNever: request.ttl === 0 ? true : undefined,
    priority: request.priority ?? undefined,
    apns: plain(apns),
    gcm: plain(gcm),
    wns: plain(wns),
    chromeWeb: plain(chromeWeb),
    firefoxWeb: plain(firefoxWeb),
    safariWeb: plain(safariWeb),
  };
  const text = JSON.stringify(notification);
  if (!text.includes('{{')) return notification;
  if (text.length > MOST_TO_FILL)
    throw invalidValue('message', `with placeholders it must be at most ${MOST_TO_FILL} characters of JSON`);
  const placeholders = findPlaceholders(notification);
  if (placeholders.length > 0) return { ...notification, placeholders };
  // Two braces that are meant as text become so here, once, when nothing is filled in later.
  return fillNotification(notification, {});
}

function plain<T extends object>(settings: T | undefined): T | undefined {
  return settings ? toPlain(settings) : undefined;
}

/**
 * An alert without a word is for silent messages alone: Push Kit refuses it, and everywhere else an empty notification shows.
 * Throws FPWSE0005E unless the type is SILENT on every kind of phone that the message may go to.
 */
export function checkAlert({ alert, apns, gcm }: NewNotification, platforms: readonly string[] | undefined): void {
  if (alert.trim() !== '') return;
  const types = { A: apns?.type, G: gcm?.type, H: gcm?.type };
  const ofPhones = Object.entries(types).filter(([platform]) => !platforms || platforms.includes(platform));
  if (ofPhones.length > 0 && ofPhones.every(([, type]) => type === 'SILENT')) return;
  throw invalidValue('message.alert', 'it is empty, and the message is not SILENT on every phone that it may go to');
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
/** Whatever providers make of so few bytes of JSON, names of members and escapes within escapes included, is within their limits. */
const SURELY_SMALL = 600;
/** Of users whose data are measured one by one when the longest values together are too large. */
const HEAVIEST = 100;

export interface Size {
  platform: string;
  provider: ProviderName;
  bytes: number;
  limit: number;
}

/** Bytes of what the notification becomes on each platform that it may go to. */
export function measureSizes(
  notification: NewNotification,
  platforms: readonly string[] | undefined,
  providers: Providers,
): Size[] {
  return LIMITS.filter(({ platform }) => !platforms || platforms.includes(platform)).map(
    ({ platform, provider, settings }) => {
      const bytes = providers[provider].measure({ ...bare(notification), [settings]: notification[settings] });
      return { platform, provider, bytes, limit: providers[provider].maxBytes };
    },
  );
}

/**
 * Throws FPWSE0005E naming the field that is too large for one of the providers the message may go to. Placeholders are
 * measured with the longest values that are known by now; those of devices are when they are filled in.
 */
export function checkSizes(
  notification: NewNotification,
  platforms: readonly string[] | undefined,
  providers: Providers,
  data: PersonalData | null = null,
): void {
  const longest = notification.placeholders ? fillNotification(notification, longestValues(data)) : notification;
  if (Buffer.byteLength(JSON.stringify(longest)) <= SURELY_SMALL) return;
  const refusal = findTooLarge(longest, platforms, providers);
  if (!refusal) return;
  if (!data) throw invalidValue(refusal.field, refusal.reason);
  const weightOf = (values: Values): number => JSON.stringify(values).length;
  const heaviest = [...data].toSorted(([, a], [, b]) => weightOf(b) - weightOf(a)).slice(0, HEAVIEST);
  for (const [userId, values] of heaviest) {
    const found = findTooLarge(fillNotification(notification, values), platforms, providers);
    if (found) throw invalidValue(found.field, `with the data of user '${userId.slice(0, 40)}' ${found.reason}`);
  }
}

function findTooLarge(
  notification: NewNotification,
  platforms: readonly string[] | undefined,
  providers: Providers,
): { field: string; reason: string } | null {
  const size = measureSizes(notification, platforms, providers).find(({ bytes, limit }) => bytes > limit);
  if (!size) return null;
  const { provider, bytes, limit, platform } = size;
  const settings = LIMITS.find((each) => each.platform === platform)?.settings;
  const fits = providers[provider].measure(bare(notification)) <= limit;
  const field = fits ? `settings.${settings}` : longer(notification);
  return { field, reason: `the message is ${bytes} bytes at ${provider}, which takes ${limit}` };
}

function bare(notification: NewNotification): Notification {
  return {
    ...notification,
    ...NO_SETTINGS,
    messageId: ID_PLACEHOLDER,
    collapseId: notification.collapseId || ID_PLACEHOLDER,
    placeholders: undefined,
    expiresAt: Number.MAX_SAFE_INTEGER,
  };
}

function longer({ alert, url = '' }: { alert: string; url?: string }): string {
  return Buffer.byteLength(url) > Buffer.byteLength(alert) ? 'message.url' : 'message.alert';
}
