import { createHash } from 'node:crypto';
import { DAY_S } from '../../common/durations.js';
import { writeJson } from '../../common/json.js';
import { BodyTemplate } from '../shared/body-template.js';
import type { Notification } from '../notification.js';
import type { Values } from '../placeholders.js';
import { badgeXml, tileXml, toastXml } from './wns.document.js';

export const MAX_BODY_BYTES = 5_000;
/** A channel lives for 30 days: nothing is worth keeping for longer. */
const LONGEST_TTL_S = 30 * DAY_S;
/** X-WNS-PRIORITY (Microsoft: "WNS notification priorities"); a notification without one has its kind's own. */
const PRIORITY = { high: '1', normal: '2' } as const;
/** X-WNS-Tag: at most 16 letters and digits. */
const TAG = /^[A-Za-z0-9]{1,16}$/;

/** One POST to a channel, but for the authorization. */
export interface WnsRequest {
  headers: Readonly<Record<string, string>>;
  body: Buffer;
  /** Its body for other values; there when the notification has placeholders. */
  fill?: (values: Values) => Buffer;
}

/**
 * The requests that a notification becomes at WNS, which takes one kind at a time: each of badge, tile, raw and toast
 * that `settings.wns` has, and a toast of the alert when it has none. The toast goes last, so that what a retry repeats
 * is silent. `now` is epoch ms.
 */
export function buildWnsRequests(notification: Notification, now: number): WnsRequest[] {
  const requests = buildRequests(notification, now);
  for (const [index, request] of requests.entries()) {
    const template = BodyTemplate.of(notification, (marked) => buildRequests(marked, now)[index]?.body ?? '');
    if (template) request.fill = (values) => template.fill(values);
  }
  return requests;
}

function buildRequests(notification: Notification, now: number): WnsRequest[] {
  const { wns = {}, collapseId, priority } = notification;
  const common = {
    'x-wns-requestforstatus': 'true',
    ...(priority && { 'x-wns-priority': PRIORITY[priority] }),
    ...lifeHeaders(notification, now),
  };
  const requests: WnsRequest[] = [];
  const add = (type: string, body: string, tag?: string): void => {
    const headers = {
      // WNS reads UTF-8 where nothing else is said; raw is handed to the app as it is.
      'content-type': type === 'raw' ? 'application/octet-stream' : 'text/xml',
      'x-wns-type': `wns/${type}`,
      ...(tag === undefined ? {} : { 'x-wns-tag': wnsTag(tag) }),
      ...common,
    };
    requests.push({ headers, body: Buffer.from(body) });
  };
  if (wns.badge !== undefined) add('badge', badgeXml(wns.badge));
  if (wns.tile !== undefined) add('tile', tileXml(wns.tile), tagOf(wns.tile.tag) ?? collapseId);
  const raw = wns.raw?.payload;
  if (raw !== undefined) add('raw', typeof raw === 'string' ? raw : writeJson(raw));
  if (wns.toast !== undefined || requests.length === 0) add('toast', toastXml(notification), collapseId);
  return requests;
}

/** How long WNS keeps it for a device that is away. What must arrive now or never is not kept at all. */
function lifeHeaders({ wns = {}, expiresAt, nowOrNever }: Notification, now: number): Record<string, string> {
  const left = nowOrNever ? 0 : Math.min((expiresAt - now) / 1_000, LONGEST_TTL_S);
  const ttl = Math.floor(Math.min(wns.expirationTime ?? LONGEST_TTL_S, left));
  if (ttl < 1) return { 'x-wns-cache-policy': 'no-cache' };
  const life = { 'x-wns-ttl': String(ttl) };
  if (wns.cachePolicy === undefined) return life;
  return { ...life, 'x-wns-cache-policy': wns.cachePolicy ? 'cache' : 'no-cache' };
}

/** Equal tags stay equal: one that would not fit goes as 16 hex digits of its hash. */
function wnsTag(tag: string): string {
  return TAG.test(tag) ? tag : createHash('sha256').update(tag).digest('hex').slice(0, 16);
}

function tagOf(tag: unknown): string | undefined {
  return typeof tag === 'string' && tag !== '' ? tag : undefined;
}
