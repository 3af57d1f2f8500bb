import { createHash } from 'node:crypto';
import type { GcmSettings, Notification } from '../notification.js';

/** A Huawei phone runs the Android app or its HarmonyOS sister, so what `settings.gcm` says of Android holds here too. */

/** Without the tokens. */
export const MAX_BODY_BYTES = 4_096;
/** Push Kit keeps a message for 15 days at most. */
const LONGEST_TTL_S = 1_296_000;
/** Push Kit shows no more of a title. */
const LONGEST_TITLE = 40;
/** What people take for characters. */
const CHARACTERS = new Intl.Segmenter();
/** Tap: the app opens and finds `data` in its intent. */
const OPEN_APP = 3;
/** `push-type` of v3: what kind of message the body is. */
const ALERT = '0';
const BACKGROUND = '6';

/** One `messages:send` request but for its tokens. */
export interface HmsBody {
  /** Headers of the message, v3 only. */
  headers: Readonly<Record<string, string>>;
  /** Bytes without the tokens, which is what Push Kit limits. */
  bytes: number;
  for(tokens: readonly string[]): Buffer;
}

export type HmsUrgency = 'HIGH' | 'NORMAL';

/** v1 (Huawei: "https-send-api", Message); `now` is epoch ms. `urgency` overrides what the notification asks for. */
export function buildAndroidBody(notification: Notification, now: number, urgency?: HmsUrgency): HmsBody {
  const { alert, collapseId, gcm = {} } = notification;
  const silent = gcm.type === 'SILENT';
  const shown = { notification: { title: titleOf(notification), body: alert } };
  const android = {
    // -1 keeps all messages for a phone that is away; a group of 1 to 100 keeps its newest, so only the caller chooses one.
    collapse_key: gcm.collapseKey === undefined ? -1 : 1 + (numberOf(gcm.collapseKey) % 100),
    urgency: urgency ?? (isUrgent(notification, silent) ? 'HIGH' : 'NORMAL'),
    ttl: `${timeToLive(notification, now)}s`,
    ...(silent ? {} : { notification: androidNotification(gcm, collapseId) }),
  };
  const message = { ...(silent ? {} : shown), android, data: dataOf(notification) };
  const body = JSON.stringify({ validate_only: false, message: { ...message, token: [] } });
  return splice({}, body, ']}}');
}

/** v3 for HarmonyOS 5 and later (Huawei: "Push Kit REST API, scenario-based messages"); `now` is epoch ms. */
export function buildHarmonyBody(notification: Notification, now: number): HmsBody {
  const { alert, collapseId, gcm = {} } = notification;
  const silent = gcm.type === 'SILENT';
  const data = dataOf(notification);
  const alerting = {
    notification: {
      // A category of its own needs a permission from Huawei; whoever has none may send this one.
      category: 'MARKETING',
      title: titleOf(notification),
      body: alert,
      clickAction: { actionType: 0, data: { data } },
      // The same number replaces on the screen.
      notifyId: numberOf(gcm.collapseKey ?? collapseId),
    },
  };
  const payload = silent ? { extraData: data } : alerting;
  const pushOptions = { ttl: timeToLive(notification, now) };
  const body = JSON.stringify({ payload, pushOptions, target: { token: [] } });
  return splice({ 'push-type': silent ? BACKGROUND : ALERT }, body, ']}}');
}

/** The tokens go in before the end of a JSON text whose last member is an empty list of them. */
function splice(headers: Record<string, string>, json: string, end: string): HmsBody {
  const before = json.slice(0, -end.length);
  return {
    headers,
    bytes: Buffer.byteLength(json),
    for: (tokens) => Buffer.from(before + tokens.map((token) => JSON.stringify(token)).join(',') + end),
  };
}

function androidNotification(gcm: GcmSettings, collapseId: string): Record<string, unknown> {
  return {
    click_action: { type: OPEN_APP },
    // The same tag replaces on the screen.
    tag: gcm.collapseKey ?? collapseId,
    group: gcm.groupId,
    channel_id: gcm.channelId,
    visibility: gcm.visibility?.toUpperCase(),
  };
}

/** What the app reads, as MobileFirst's Android apps do from FCM; the message's own id and url cannot be covered. */
function dataOf({ messageId, alert, url, gcm }: Notification): string {
  return JSON.stringify({ nid: messageId, alert, url, payload: { ...gcm?.payload, nid: messageId } });
}

/** Push Kit refuses a notification without a title, which the wire does not ask for: then the alert begins there. */
function titleOf({ alert, gcm }: Notification): string {
  if (gcm?.androidTitle !== undefined) return gcm.androidTitle;
  const characters = [...CHARACTERS.segment(alert.slice(0, 10 * LONGEST_TITLE))];
  return characters
    .slice(0, LONGEST_TITLE)
    .map(({ segment }) => segment)
    .join('');
}

/** As at FCM: a visible message wakes an idle phone, a silent one waits; `sync` lets it wait too. */
function isUrgent({ gcm = {}, priority }: Notification, silent: boolean): boolean {
  if (gcm.sync === true) return false;
  const word = gcm.priority ?? priority;
  return word === undefined ? !silent : /^(max|high)$/i.test(word);
}

/** Whole seconds from 1, never past the moment after which nobody wants the message. */
function timeToLive({ gcm, expiresAt, nowOrNever }: Notification, now: number): number {
  if (nowOrNever) return 1;
  const left = (expiresAt - now) / 1_000;
  return Math.max(1, Math.floor(Math.min(gcm?.timeToLive ?? LONGEST_TTL_S, left, LONGEST_TTL_S)));
}

/** Equal ids give equal numbers of 31 bits. */
function numberOf(id: string): number {
  return createHash('sha256').update(id).digest().readUInt32BE(0) >>> 1;
}
