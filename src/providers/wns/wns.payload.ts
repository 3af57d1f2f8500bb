import { createHash } from 'node:crypto';
import { DAY_S } from '../../common/durations.js';
import { writeJson } from '../../common/json.js';
import { BodyTemplate } from '../shared/body-template.js';
import type { Notification } from '../notification.js';
import type { Values } from '../placeholders.js';
import { badgeXml, tileXml, toastXml } from './wns.document.js';

export const MAX_BODY_BYTES = 5_000;
/** A channel lives for 30 days, so no notification is stored for longer. */
const LONGEST_TTL_S = 30 * DAY_S;
/** X-WNS-PRIORITY (Microsoft: "WNS notification priorities"); without it, WNS uses the default of the type. */
const PRIORITY = { high: '1', normal: '2' } as const;
/** X-WNS-Tag: at most 16 letters and digits. */
const TAG = /^[A-Za-z0-9]{1,16}$/;

/** One POST to a channel, without the authorization. */
export interface WnsRequest {
  headers: Readonly<Record<string, string>>;
  body: Buffer;
  /** Builds the body for other values, if the notification has placeholders. */
  fill?: (values: Values) => Buffer;
}

/**
 * WNS takes one type per request: builds one for each of badge, tile, raw and toast in `settings.wns`, and a toast of
 * the alert if there is none. The toast is last, so that a retry repeats silent types only. `now` is epoch ms.
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
      // WNS assumes UTF-8 for XML; raw is passed to the app unchanged.
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

/** How long WNS stores it for an offline device. A "now or never" message is not stored. */
function lifeHeaders({ wns = {}, expiresAt, nowOrNever }: Notification, now: number): Record<string, string> {
  const left = nowOrNever ? 0 : Math.min((expiresAt - now) / 1_000, LONGEST_TTL_S);
  const ttl = Math.floor(Math.min(wns.expirationTime ?? LONGEST_TTL_S, left));
  if (ttl < 1) return { 'x-wns-cache-policy': 'no-cache' };
  const life = { 'x-wns-ttl': String(ttl) };
  if (wns.cachePolicy === undefined) return life;
  return { ...life, 'x-wns-cache-policy': wns.cachePolicy ? 'cache' : 'no-cache' };
}

/** Equal tags stay equal: a tag that does not fit is replaced by 16 hex digits of its hash. */
function wnsTag(tag: string): string {
  return TAG.test(tag) ? tag : createHash('sha256').update(tag).digest('hex').slice(0, 16);
}

function tagOf(tag: unknown): string | undefined {
  return typeof tag === 'string' && tag !== '' ? tag : undefined;
}
