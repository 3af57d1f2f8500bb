import { createHash, hash } from 'node:crypto';
import { DAY_MS } from '../../common/durations.js';
import { writeJson } from '../../common/json.js';
import type { Header } from '../../http2/push.js';
import type { ApnsSettings, Notification } from '../notification.js';

/** The parts that all pushes of one notification share. */
export interface ApnsPayload {
  /** UTF-8 JSON. */
  body: Buffer;
  /** All headers except `authorization`, which changes more often, and `apns-id`. */
  headers: readonly Header[];
}

export const MAX_BODY_BYTES = 4_096;
/** `apns-collapse-id` in bytes (Apple: "Sending notification requests to APNs"). */
const COLLAPSE_ID_MAX = 64;
/** APNs stores an undelivered push for at most 30 days. */
const LONGEST_STORAGE_MS = 30 * DAY_MS;

/** Builds body and headers; `now` is epoch ms. */
export function buildApnsPayload(notification: Notification, bundleId: string, now: number): ApnsPayload {
  const settings = notification.apns ?? {};
  const silent = settings.type === 'SILENT';
  return {
    body: apnsBody(notification),
    headers: [
      ['apns-topic', bundleId],
      // watchOS and newer iOS drop a push whose type does not fit its payload.
      ['apns-push-type', silent ? 'background' : 'alert'],
      // A background push requires 5: APNs answers 10 with BadPriority.
      ['apns-priority', silent || notification.priority === 'normal' ? '5' : '10'],
      ['apns-expiration', notification.nowOrNever ? '0' : expiration(notification.expiresAt, now)],
      ['apns-collapse-id', collapseId(settings.apnsCollapseId ?? notification.collapseId)],
    ],
  };
}

/** The body is the same for all devices, because the token is in the path. */
export function apnsBody(notification: Notification): Buffer {
  const settings = notification.apns ?? {};
  const silent = settings.type === 'SILENT';
  const content: Record<string, unknown> = {
    aps: silent ? { 'content-available': 1 } : visibleAps(notification.alert, settings),
    payload: customPayload(notification),
  };
  // The app's service extension fetches the attachment and runs for visible notifications only.
  if (settings.attachmentUrl !== undefined && !silent) content['attachment-url'] = settings.attachmentUrl;
  return Buffer.from(writeJson(content));
}

/** `aps` of a visible push (Apple: "Generating a remote notification"). JSON leaves out undefined members. */
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
      // For iOS 12 to 14 only.
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
 * MobileFirst's apps read a JSON text beside `aps` with the message id as `nid` and the caller's members. The id and
 * the message's url come last, so that a caller's member cannot replace them.
 */
function customPayload({ messageId, url, apns, receiptToken }: Notification): string {
  const own = {
    nid: messageId,
    ...(url !== undefined && { url }),
    ...(receiptToken !== undefined && { receiptToken }),
  };
  return writeJson({ ...apns?.payload, ...own });
}

/** Epoch seconds; 0 ("now or never") if the moment has passed. */
function expiration(expiresAt: number, now: number): string {
  const seconds = Math.floor(Math.min(expiresAt, now + LONGEST_STORAGE_MS) / 1_000);
  return String(seconds * 1_000 <= now ? 0 : seconds);
}

/** Equal ids stay equal: an id that is too long or not printable is replaced by its hash of 43 characters. */
function collapseId(id: string): string {
  if (id.length <= COLLAPSE_ID_MAX && /^[\x21-\x7e]+$/.test(id)) return id;
  return createHash('sha256').update(id).digest('base64url');
}

/**
 * `apns-id` of one delivery. It is the same for every attempt of this message to this token, so that a repeat is
 * recognisable and Apple can be asked about any delivery without a stored id. A version 8 UUID (RFC 9562 §5.8): 60 bits
 * of the message's hash from `apnsIdStart`, and 60 bits of the token.
 */
export function apnsId(start: string, token: string): string {
  const end = token.slice(-15).toLowerCase().padStart(15, '0');
  return `${start}${end.slice(0, 3)}-${end.slice(3)}`;
}

export function apnsIdStart(messageId: string): string {
  const hex = hash('sha1', messageId);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(12, 15)}-a`;
}
