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

/**
 * Characters of JSON: twice the sum of the seven platforms' limits, because a placeholder may be longer than its value.
 */
const MOST_TO_FILL = 65_536;

export type NewNotification = Omit<Notification, 'messageId' | 'expiresAt'>;

/**
 * Turns a request into the notification that providers get, pure. Without a `collapseId` the message id takes its place
 * when the message is stored.
 */
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
  // Without placeholders, escaped braces become literal here, because no later step fills in this message.
  return fillNotification(notification, {});
}

function plain<T extends object>(settings: T | undefined): T | undefined {
  return settings ? toPlain(settings) : undefined;
}

/**
 * Checks that a message without an alert is SILENT on every kind of phone that it may go to: Push Kit refuses an empty
 * alert, and the other platforms show an empty notification. Throws FPWSE0005E.
 */
export function checkAlert({ alert, apns, gcm }: NewNotification, platforms: readonly string[] | undefined): void {
  if (alert.trim() !== '') return;
  const types = { A: apns?.type, G: gcm?.type, H: gcm?.type };
  const ofPhones = Object.entries(types).filter(([platform]) => !platforms || platforms.includes(platform));
  if (ofPhones.length > 0 && ofPhones.every(([, type]) => type === 'SILENT')) return;
  throw invalidValue(
    'message.alert',
    'it is empty, which only a message that is SILENT on every target platform may be',
  );
}

/** Per platform: the provider with the size limit, and the name of the platform's settings. */
const LIMITS = [
  { platform: 'A', provider: 'apns', settings: 'apns' },
  { platform: 'G', provider: 'fcm', settings: 'gcm' },
  { platform: 'W', provider: 'wns', settings: 'wns' },
  // Huawei phones use the Android settings.
  { platform: 'H', provider: 'hms', settings: 'gcm' },
  { platform: 'WEB_CHROME', provider: 'web-push', settings: 'chromeWeb' },
  { platform: 'WEB_FIREFOX', provider: 'web-push', settings: 'firefoxWeb' },
  { platform: 'WEB_SAFARI', provider: 'web-push', settings: 'safariWeb' },
] as const satisfies readonly { platform: string; provider: ProviderName; settings: keyof Notification }[];
const NO_SETTINGS = Object.fromEntries(LIMITS.map(({ settings }) => [settings, undefined]));
const ID_PLACEHOLDER = '00000000';
/**
 * Bytes. No provider's body exceeds its limit for a notification of this size, even with member names and nested
 * escapes.
 */
const SURELY_SMALL = 600;
/** How many users are measured one by one if the longest values together are too large. */
const HEAVIEST = 100;

export interface Size {
  platform: string;
  provider: ProviderName;
  bytes: number;
  limit: number;
}

/** Bytes of the body on each platform that the notification may go to. */
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

/** A message as a device of a platform would get it. */
export interface Rendering extends Size {
  alert: string;
  url?: string;
  /** The title of the platform's settings. */
  title?: string;
  /** Requests to the provider: texts of JSON or XML, with `…` in place of the token. */
  bodies: string[];
}

/** The bodies on each of the platforms, by the builders of deliveries. The placeholders must have been filled in. */
export function renderBodies(
  notification: NewNotification,
  platforms: readonly string[] | undefined,
  providers: Providers,
): Rendering[] {
  return measureSizes(notification, platforms, providers).map((size) => {
    const { settings = 'apns' } = LIMITS.find(({ platform }) => platform === size.platform) ?? {};
    const own = notification[settings];
    const title = own === undefined ? undefined : 'androidTitle' in own ? own.androidTitle : titleIn(own);
    return {
      ...size,
      alert: notification.alert,
      ...(notification.url !== undefined && { url: notification.url }),
      ...(title !== undefined && { title }),
      bodies: providers[size.provider].render({ ...bare(notification), [settings]: own }, size.platform),
    };
  });
}

function titleIn(settings: object): string | undefined {
  return 'title' in settings && typeof settings.title === 'string' ? settings.title : undefined;
}

/**
 * Throws FPWSE0005E that names the field that makes the body too large for one of the providers. Placeholders are
 * measured with the longest values in `data`; values from devices are checked when they are filled in.
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
  return { field, reason: `the message has ${bytes} bytes at ${provider}, the limit is ${limit}` };
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
