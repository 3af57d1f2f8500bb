import { createHmac } from 'node:crypto';
import { changesBetween } from '../auth/audited-changes.js';
import { MINUTE_MS, SECOND_MS } from '../common/durations.js';
import { leadsInside } from '../common/public-address.js';
import { EVENT_NAMES, readTypes } from '../events/event-types.js';

/** Event types of webhooks, first MobileFirst's (docs/protocol/mobilefirst.md §10), and the rules of delivery. Pure. */
export const EVENT_TYPES = [
  'onDeviceRegister',
  'onDeviceUpdate',
  'onDeviceUnregister',
  'onSubscribe',
  'onUnsubscribe',
  ...EVENT_NAMES,
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

const MAX_URL = 2_048;
const FIRST_WAIT_MS = 5 * SECOND_MS;
/**
 * Also the longest that an endpoint may ask for with `Retry-After`. A wait that ends later was written before the clock
 * was set back.
 */
export const LONGEST_WAIT_MS = 15 * MINUTE_MS;
/**
 * An event is given up after this many failed tries, of its own or of its endpoint since the event was written. With
 * the waits of `waitAfter` they take 73 to 97 hours. Tries are counted in place of hours, so that a clock step gives
 * nothing up.
 */
export const TRIES = 390;

/** One try to deliver an event, as a reader gets the row: without the body. */
export interface TriedEvent {
  time: string;
  eventId: string;
  eventType: string;
  /** Which try of this event. */
  tries: number;
  durationMs: number;
  /** Absent: accepted. */
  error?: string;
}

/** Reads `a,b`, the form of MobileFirst's documents; `*` and `group.*` are types of Carillon's own. */
export function readEventTypes(text: string): EventType[] | { unknown: string } {
  return readTypes(text, EVENT_TYPES);
}

/**
 * The reason to refuse a URL, or null. Host names are checked at look-up. `allowPrivate`: for tests; also allows http.
 */
export function refuseUrl(text: string, allowPrivate: boolean): string | null {
  if (text.length > MAX_URL || !URL.canParse(text)) return `it must be an https URL of at most ${MAX_URL} characters`;
  const url = new URL(text);
  if (url.protocol !== 'https:' && !(allowPrivate && url.protocol === 'http:')) return 'it must be an https URL';
  if (url.username !== '' || url.password !== '') return 'it must not hold a user or password';
  return !allowPrivate && leadsInside(url) ? 'it must be at a public address' : null;
}

/** The changes of a webhook, for the audit. Paths of addresses are secrets of many receivers. */
export function webhookChange(before: { url: string }, after: { url: string }): Record<string, unknown> {
  const visible = ({ url, ...rest }: typeof before): object => ({ origin: new URL(url).origin, ...rest });
  return { ...changesBetween(visible(before), visible(after)), ...(before.url !== after.url && { url: 'changed' }) };
}

/**
 * Milliseconds to wait after this many failures in a row: doubles from 5 s to a quarter of an hour; up to a
 * quarter of it is left out at random.
 */
export function waitAfter(failures: number, chance: number): number {
  const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(failures - 1, 20));
  return wait * (0.75 + 0.25 * chance);
}

/**
 * `t=<epoch s>,v1=<hex>`: HMAC-SHA256 of `<t>.<body>`, so that a receiver detects a replayed request. One `v1` per
 * secret, the newest first.
 */
export function sign(secrets: readonly string[], body: string, now: number): string {
  const time = Math.floor(now / SECOND_MS);
  const signatures = secrets.map(
    (secret) => `v1=${createHmac('sha256', secret).update(`${time}.${body}`).digest('hex')}`,
  );
  return [`t=${time}`, ...signatures].join(',');
}

/** The prefix of secrets in the form of Standard Webhooks; the rest is the key in Base64. */
export const SECRET_PREFIX = 'whsec_';

/**
 * The headers of Standard Webhooks: a signature of `<id>.<time>.<body>` for each secret, the newest first. The key of a
 * secret from before this form is its text.
 */
export function standardHeaders(
  secrets: readonly string[],
  { id, body }: { id: string; body: string },
  now: number,
): Record<string, string> {
  const time = Math.floor(now / SECOND_MS);
  const signatures = secrets.map((secret) => {
    const key = secret.startsWith(SECRET_PREFIX) ? Buffer.from(secret.slice(SECRET_PREFIX.length), 'base64') : secret;
    return `v1,${createHmac('sha256', key).update(`${id}.${time}.${body}`).digest('base64')}`;
  });
  return { 'webhook-id': id, 'webhook-timestamp': String(time), 'webhook-signature': signatures.join(' ') };
}

/** Milliseconds of a `Retry-After` in seconds or as a date, at most a quarter of an hour; 0 if there is none. */
export function readRetryAfter(header: string | undefined, now: number): number {
  if (header === undefined) return 0;
  const ms = /^\d{1,9}$/.test(header) ? Number(header) * SECOND_MS : Date.parse(header) - now;
  return Number.isFinite(ms) ? Math.min(LONGEST_WAIT_MS, Math.max(0, ms)) : 0;
}
