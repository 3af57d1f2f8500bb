import { createHash, hash } from 'node:crypto';
import { DAY_MS } from '../../common/durations.js';
import { writeJson } from '../../common/json.js';
import type { Header } from '../../http2/push.js';
import type { ApnsSettings, Notification } from '../notification.js';

/** What all pushes of one notification share. */
export interface ApnsPayload {
  /** UTF-8 JSON. */
  body: Buffer;
  /** Every header but `authorization`, which changes more often than the message, and `apns-id`. */
  headers: readonly Header[];
}

export const MAX_BODY_BYTES = 4_096;
/** `apns-collapse-id` in bytes (Apple: "Sending notification requests to APNs"). */
const COLLAPSE_ID_MAX = 64;
/** APNs keeps an undelivered push for 30 days at most. */
const LONGEST_STORAGE_MS = 30 * DAY_MS;

/** Builds body and headers; `now` is epoch ms. */
export function buildApnsPayload(notification: Notification, bundleId: string, now: number): ApnsPayload {
  const settings = notification.apns ?? {};
  const silent = settings.type === 'SILENT';
  return {
    body: apnsBody(notification),
    headers: [
      ['apns-topic', bundleId],
      // Watches and newer phones drop a push whose type does not fit its payload.
      ['apns-push-type', silent ? 'background' : 'alert'],
      // Background pushes must be 5: APNs answers 10 with BadPriority.
      ['apns-priority', silent || notification.priority === 'normal' ? '5' : '10'],
      ['apns-expiration', notification.nowOrNever ? '0' : expiration(notification.expiresAt, now)],
      ['apns-collapse-id', collapseId(settings.apnsCollapseId ?? notification.collapseId)],
    ],
  };
}

/** The body of every push of this notification: the token is in the path, so one body serves all devices. */
export function apnsBody(notification: Notification): Buffer {
  const settings = notification.apns ?? {};
  const silent = settings.type === 'SILENT';
  const content: Record<string, unknown> = {
    aps: silent ? { 'content-available': 1 } : visibleAps(notification.alert, settings),
    payload: customPayload(notification),
  };
  // Fetched by the app's service extension, which runs for visible notifications only.
  if (settings.attachmentUrl !== undefined && !silent) content['attachment-url'] = settings.attachmentUrl;
  return Buffer.from(writeJson(content));
}

/** `aps` of a push that shows (Apple: "Generating a remote notification"); undefined members vanish in the JSON. */
function visibleAps(body: string, settings: ApnsSettings): Record<string, unknown> {
  return {
    alert: {
      title: settings.title,
      subtitle: settings.subtitle,
      body,
      'title-loc-key': settings.titleLocKey,
      'title-loc-args': settings.titleLocArgs,
      'loc-key': settings.locKey,
      'loc-args': settings.locArgs,
      'action-loc-key': settings.iosActionKey,
      'launch-image': settings.launchImage,
      // Read by iOS 12 to 14 only.
      'summary-arg': settings.apnsGroupSummaryArg,
      'summary-arg-count': settings.apnsGroupSummaryArgCount,
    },
    badge: settings.badge,
    sound: settings.sound,
    category: settings.interactiveCategory ?? settings.category,
    'thread-id': settings.apnsThreadId,
    'content-available': settings.type === 'MIXED' ? 1 : undefined,
    'mutable-content': settings.attachmentUrl === undefined ? undefined : 1,
  };
}

/**
 * MobileFirst's apps read a JSON text beside `aps` with the message id as `nid` and the caller's own members. The id
 * and the message's url come last, so a caller's member of that name cannot pass for them.
 */
function customPayload({ messageId, url, apns }: Notification): string {
  return writeJson({ ...apns?.payload, nid: messageId, ...(url === undefined ? {} : { url }) });
}

/** Epoch seconds; 0, which means "now or never", when that moment is here or past. */
function expiration(expiresAt: number, now: number): string {
  const seconds = Math.floor(Math.min(expiresAt, now + LONGEST_STORAGE_MS) / 1_000);
  return String(seconds * 1_000 <= now ? 0 : seconds);
}

/** Equal ids stay equal: one that is too long or would not fit a header goes as its hash of 43 bytes. */
function collapseId(id: string): string {
  if (id.length <= COLLAPSE_ID_MAX && /^[\x21-\x7e]+$/.test(id)) return id;
  return createHash('sha256').update(id).digest('base64url');
}

/**
 * `apns-id` of one delivery: the same whenever this message goes to this token again, so that a repeat after a lost
 * answer names itself as one, and any delivery can be named to Apple without having kept its id. A version 8 UUID (RFC 9562
 * §5.8): sixty bits of the message's hash, which `apnsIdStart` makes once, and sixty of the token, which Apple gave out.
 */
export function apnsId(start: string, token: string): string {
  const end = token.slice(-15).toLowerCase().padStart(15, '0');
  return `${start}${end.slice(0, 3)}-${end.slice(3)}`;
}

export function apnsIdStart(messageId: string): string {
  const hex = hash('sha1', messageId);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(12, 15)}-a`;
}
