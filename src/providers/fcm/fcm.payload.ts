import { DAY_S } from '../../common/durations.js';
import { writeJson } from '../../common/json.js';
import { appData, isUrgent } from '../shared/android.js';
import { BodyTemplate } from '../shared/body-template.js';
import type { Notification } from '../notification.js';
import type { Values } from '../placeholders.js';
import { androidNotification } from './fcm.notification.js';

export const MAX_BODY_BYTES = 4_096;
/** FCM stores a message for at most 28 days. */
const LONGEST_TTL_S = 28 * DAY_S;
/** Registration tokens have about 160 characters; a measured body counts one of 256. */
const MEASURED_TOKEN = 'x'.repeat(256);
/** Characters that JSON does not escape. Google's tokens contain no others. */
const PLAIN_TOKEN = /^[\w:.%~-]+$/;

const AFTER = Buffer.from('}}');

/** A `messages:send` request, serialised without the token and the placeholders. */
export class FcmBody {
  private readonly before: Buffer;
  private readonly template: BodyTemplate | null;

  constructor(notification: Notification, now: number) {
    const build = (each: Notification): Buffer => Buffer.from(beginningOf(each, now));
    this.template = BodyTemplate.of(notification, build);
    this.before = build(notification);
  }

  /** UTF-8 JSON of the request to one device. */
  for(token: string, values: Values = {}): Buffer {
    const quoted = PLAIN_TOKEN.test(token) ? `"${token}"` : JSON.stringify(token);
    return Buffer.concat([this.template?.fill(values) ?? this.before, Buffer.from(quoted), AFTER]);
  }

  get largestBytes(): number {
    return this.for(MEASURED_TOKEN).length;
  }
}

/** Builds the request of a notification; `now` is epoch ms (FCM's schema: projects.messages.send). */
export function buildFcmBody(notification: Notification, now: number): FcmBody {
  return new FcmBody(notification, now);
}

/** The JSON up to the token. */
function beginningOf(notification: Notification, now: number): string {
  const settings = notification.gcm ?? {};
  const silent = settings.type === 'SILENT';
  const message = {
    android: {
      collapse_key: collapseKey(notification, silent),
      priority: isUrgent(notification) ? 'HIGH' : 'NORMAL',
      ttl: `${timeToLive(notification, now)}s`,
      ...(silent ? {} : { notification: androidNotification(notification) }),
    },
    data: fcmData(notification),
  };
  return `{"message":${writeJson(message).slice(0, -1)},"token":`;
}

/**
 * For an offline phone, FCM stores four collapse keys, but 100 messages without one. So a silent message has a collapse
 * key only if the caller set one. A visible message is replaced on the screen by its tag.
 */
function collapseKey(notification: Notification, silent: boolean): string | undefined {
  const { messageId, collapseId, collapseInherited = false, gcm = {} } = notification;
  const isGiven = collapseId !== messageId && !collapseInherited;
  return gcm.collapseKey ?? (silent && !isGiven ? undefined : collapseId);
}

/** FCM accepts text only, so other values are sent as JSON. None of the names is reserved by FCM. */
function fcmData(notification: Notification): Record<string, string> {
  const data: Record<string, string> = {};
  const { receiptToken } = notification;
  for (const [name, value] of Object.entries({ ...appData(notification), receiptToken })) {
    if (value !== undefined) data[name] = typeof value === 'string' ? value : writeJson(value);
  }
  return data;
}

/** Whole seconds, never past the end of the message. */
function timeToLive({ gcm, expiresAt, nowOrNever }: Notification, now: number): number {
  if (nowOrNever) return 0;
  const left = (expiresAt - now) / 1_000;
  return Math.max(0, Math.floor(Math.min(gcm?.timeToLive ?? LONGEST_TTL_S, left, LONGEST_TTL_S)));
}
