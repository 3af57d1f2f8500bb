import { hash } from 'node:crypto';
import { DAY_S } from '../../common/durations.js';
import { isJsonObject, writeJson } from '../../common/json.js';
import type { Header } from '../../http2/push.js';
import type { Notification, SafariWebSettings, WebSettings } from '../notification.js';

/** Push services store a message for 28 (Google) to 30 days (Apple, Mozilla) and shorten or refuse longer times. */
const LONGEST_TTL_S = 28 * DAY_S;
const PLATFORMS = ['WEB_CHROME', 'WEB_FIREFOX', 'WEB_SAFARI'] as const;

/**
 * The service worker gets UTF-8 JSON: `{nid, alert, url?, receiptToken?, payload}` and the members of the platform's
 * settings: `title` and `iconUrl` for Chrome and Firefox; `title`, `body`, `urlArgs` and `action` for Safari.
 */
export function webPushBody(notification: Notification, platform: string): Buffer {
  const { messageId: nid, alert, url, receiptToken } = notification;
  const settings: WebSettings & SafariWebSettings = settingsOf(notification, platform);
  const { title, body, iconUrl, urlArgs, action } = settings;
  const payload = customPayload(settings.payload, notification);
  return Buffer.from(writeJson({ nid, alert, title, body, iconUrl, url, urlArgs, action, receiptToken, payload }));
}

/** Bytes of the largest body that the notification has on any browser. */
export function largestWebPushBody(notification: Notification): number {
  return Math.max(...PLATFORMS.map((platform) => webPushBody(notification, platform).length));
}

/** All headers except `authorization`, which depends on the origin; `now` is epoch ms (RFC 8030 §5). */
export function webPushHeaders(notification: Notification, platform: string, now: number): Header[] {
  const timeToLive = timeToLiveOf(notification, platform);
  return [
    ['ttl', String(notification.nowOrNever ? 0 : secondsLeft(timeToLive, notification.expiresAt, now))],
    // Browsers show every push. With a lower urgency, a phone that saves its battery would show it at the next unlock.
    ['urgency', notification.priority ?? 'high'],
    ['topic', topicOf(notification.collapseId)],
    ['content-encoding', 'aes128gcm'],
    ['content-type', 'application/octet-stream'],
  ];
}

/** 32 characters of base64url: the limit of RFC 8030 §5.4, and a length that Apple can decode. */
export function topicOf(collapseId: string): string {
  return hash('sha256', collapseId, 'base64url').slice(0, 32);
}

/** The caller's time to live for this platform, in seconds. */
export function timeToLiveOf(notification: Notification, platform: string): number | undefined {
  return (settingsOf(notification, platform) as WebSettings).timeToLive;
}

function settingsOf(notification: Notification, platform: string): WebSettings | SafariWebSettings {
  if (platform === 'WEB_CHROME') return notification.chromeWeb ?? {};
  if (platform === 'WEB_FIREFOX') return notification.firefoxWeb ?? {};
  if (platform === 'WEB_SAFARI') return notification.safariWeb ?? {};
  return {};
}

/**
 * The vendor's service worker (BMSPushServiceWorker.js) fails without `payload` and replaces a notification that has
 * the same `payload.tag`. So there is always a payload, with the collapse id as tag unless the caller set a tag. The
 * message id comes last, so that a caller's member cannot replace it. A payload that is not an object is sent unchanged
 * (IBM's Go SDK types it as text).
 */
function customPayload(given: unknown, { messageId, collapseId }: Notification): unknown {
  if (given !== undefined && given !== null && given !== '' && !isJsonObject(given)) return given;
  return { tag: collapseId, ...(isJsonObject(given) ? given : {}), nid: messageId };
}

/** Whole seconds, never past the end of the message. */
function secondsLeft(asked: number | undefined, expiresAt: number, now: number): number {
  return Math.max(0, Math.floor(Math.min(asked ?? LONGEST_TTL_S, (expiresAt - now) / 1_000, LONGEST_TTL_S)));
}
