import { createHash } from 'node:crypto';
import { DAY_S } from '../../common/durations.js';
import { writeJson } from '../../common/json.js';
import { appData, isUrgent } from '../shared/android.js';
import type { Notification } from '../notification.js';
import { androidNotification, harmonyNotification, titleOf } from './hms.notification.js';

/** Huawei phones run the Android app or its HarmonyOS version, so `settings.gcm` applies to them. */

/** Without the tokens. */
export const MAX_BODY_BYTES = 4_096;
/** `collapse_key` that stores all messages for an offline phone. */
const KEEP_ALL = -1;
/** Push Kit stores a message for at most 15 days. */
const LONGEST_TTL_S = 15 * DAY_S;
/** `push-type` of v3: the kind of message. */
const ALERT = '0';
const BACKGROUND = '6';

/** One `messages:send` request without its tokens. */
export interface HmsBody {
  /** Headers of the message, v3 only. */
  headers: Readonly<Record<string, string>>;
  /** Bytes without the tokens; this is what Push Kit limits. */
  bytes: number;
  for(tokens: readonly string[]): Buffer;
}

export type HmsUrgency = 'HIGH' | 'NORMAL';

/** v1 (Huawei: "https-send-api", Message); `now` is epoch ms. `urgency` overrides the notification's own. */
export function buildAndroidBody(notification: Notification, now: number, urgency?: HmsUrgency): HmsBody {
  const { alert, gcm } = notification;
  const silent = gcm?.type === 'SILENT';
  const shown = { notification: { title: titleOf(notification), body: alert } };
  const android = {
    collapse_key: collapseKey(notification) ?? KEEP_ALL,
    urgency: urgency ?? (isUrgent(notification) ? 'HIGH' : 'NORMAL'),
    ttl: `${timeToLive(notification, now)}s`,
    ...(silent ? {} : { notification: androidNotification(notification) }),
  };
  const message = { ...(silent ? {} : shown), android, data: dataOf(notification) };
  const body = writeJson({ validate_only: false, message: { ...message, token: [] } });
  return splice({}, body, ']}}');
}

/** v3 for HarmonyOS 5 and later (Huawei: "Push Kit REST API, scenario-based messages"); `now` is epoch ms. */
export function buildHarmonyBody(notification: Notification, now: number): HmsBody {
  const silent = notification.gcm?.type === 'SILENT';
  const data = dataOf(notification);
  const alerting = {
    notification: {
      ...harmonyNotification(notification),
      clickAction: { actionType: 0, data: { data } },
      // The same number replaces on the screen.
      notifyId: numberOf(notification.collapseId),
    },
  };
  const payload = silent ? { extraData: data } : alerting;
  const pushOptions = {
    ttl: timeToLive(notification, now),
    collapseKey: silent ? undefined : collapseKey(notification),
  };
  const body = writeJson({ payload, pushOptions, target: { token: [] } });
  return splice({ 'push-type': silent ? BACKGROUND : ALERT }, body, ']}}');
}

/** Inserts the tokens before the end of a JSON text whose last member is an empty token list. */
function splice(headers: Record<string, string>, json: string, end: string): HmsBody {
  const before = json.slice(0, -end.length);
  return {
    headers,
    bytes: Buffer.byteLength(json),
    for: (tokens) => Buffer.from(before + tokens.map((token) => JSON.stringify(token)).join(',') + end),
  };
}

/** Whole seconds from 1, never past the end of the message. */
function timeToLive({ gcm, expiresAt, nowOrNever }: Notification, now: number): number {
  if (nowOrNever) return 1;
  const left = (expiresAt - now) / 1_000;
  return Math.max(1, Math.floor(Math.min(gcm?.timeToLive ?? LONGEST_TTL_S, left, LONGEST_TTL_S)));
}

/** The app reads the same data as from FCM. */
function dataOf(notification: Notification): string {
  return writeJson(appData(notification));
}

/** There are 100 groups, and each stores its newest message for an offline phone, so only the caller chooses one. */
function collapseKey({ gcm }: Notification): number | undefined {
  return gcm?.collapseKey === undefined ? undefined : 1 + (numberOf(gcm.collapseKey) % 100);
}

/** Equal ids give equal numbers of 31 bits. */
function numberOf(id: string): number {
  return createHash('sha256').update(id).digest().readUInt32BE(0) >>> 1;
}
