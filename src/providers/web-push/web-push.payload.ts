import { hash } from 'node:crypto';
import { DAY_S } from '../../common/durations.js';
import { isJsonObject, writeJson } from '../../common/json.js';
import type { Header } from '../../http2/push.js';
import type { Notification, SafariWebSettings, WebSettings } from '../notification.js';

/** Push services keep a message for 28 (Google) to 30 days (Apple, Mozilla) and shorten or refuse what is longer. */
const LONGEST_TTL_S = 28 * DAY_S;
const PLATFORMS = ['WEB_CHROME', 'WEB_FIREFOX', 'WEB_SAFARI'] as const;

/**
 * What the service worker gets, UTF-8 JSON: `{nid, alert, url?, payload}` and the members of the platform's settings:
 * `title` and `iconUrl` for Chrome and Firefox, `title`, `body`, `urlArgs` and `action` for Safari.
 */
export function webPushBody(notification: Notification, platform: string): Buffer {
  const { messageId: nid, alert, url } = notification;
  const settings: WebSettings & SafariWebSettings = settingsOf(notification, platform);
  const { title, body, iconUrl, urlArgs, action } = settings;
  const payload = customPayload(settings.payload, notification);
  return Buffer.from(writeJson({ nid, alert, title, body, iconUrl, url, urlArgs, action, payload }));
}

/** Bytes of the largest body that the notification becomes on any browser. */
export function largestWebPushBody(notification: Notification): number {
  return Math.max(...PLATFORMS.map((platform) => webPushBody(notification, platform).length));
}

/** The request's headers but for `authorization`, which is of the origin; `now` is epoch ms (RFC 8030 §5). */
export function webPushHeaders(notification: Notification, platform: string, now: number): Header[] {
  const timeToLive = timeToLiveOf(notification, platform);
  return [
    ['ttl', String(notification.nowOrNever ? 0 : secondsLeft(timeToLive, notification.expiresAt, now))],
    // Browsers show every push, and one on a phone that saves its battery would else come when it is next unlocked.
    ['urgency', notification.priority ?? 'high'],
    ['topic', topicOf(notification.collapseId)],
    ['content-encoding', 'aes128gcm'],
    ['content-type', 'application/octet-stream'],
  ];
}

/** 32 characters of base64url, the most that RFC 8030 §5.4 allows and a length that Apple can decode. */
export function topicOf(collapseId: string): string {
  return hash('sha256', collapseId, 'base64url').slice(0, 32);
}

/** What the caller says of this platform, in seconds. */
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
 * The vendor's service worker (BMSPushServiceWorker.js) reads `payload.tag` of every message, stumbles when there is no
 * payload, and shows a notification in place of the one with the same tag: so there is always one, with the collapse id
 * as its tag unless the caller has one of his own. The message's id comes last, so a caller's member cannot pass for
 * it. What is no object goes as it came (IBM's Go SDK types it as text).
 */
function customPayload(given: unknown, { messageId, collapseId }: Notification): unknown {
  if (given !== undefined && given !== null && given !== '' && !isJsonObject(given)) return given;
  return { tag: collapseId, ...(isJsonObject(given) ? given : {}), nid: messageId };
}

/** Whole seconds, never past the moment after which nobody wants the message. */
function secondsLeft(asked: number | undefined, expiresAt: number, now: number): number {
  return Math.max(0, Math.floor(Math.min(asked ?? LONGEST_TTL_S, (expiresAt - now) / 1_000, LONGEST_TTL_S)));
}
