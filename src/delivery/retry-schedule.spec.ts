import { expect, it } from 'vitest';
import type { PushResult } from '../http2/push.js';
import { readTokenAnswer } from '../providers/shared/bearer-tokens.js';
import { readApnsOutcome } from '../providers/apns/apns.outcome.js';
import { readFcmOutcome } from '../providers/fcm/fcm.outcome.js';
import { readHmsOutcome } from '../providers/hms/hms.outcome.js';
import type { Verdict } from '../providers/provider.js';
import { unansweredVerdict } from '../providers/shared/unanswered.js';
import { readWebPushOutcome } from '../providers/web-push/web-push.outcome.js';
import { readWnsOutcome } from '../providers/wns/wns.outcome.js';
import { OUTCOME } from './outcome.js';
import { decide } from './retry-policy.js';

/** The schedule of docs/protocol/providers.md §11, one row per answer. */

const NOW = Date.parse('2026-11-23T10:00:00Z');
const S = 1_000;
const MIN = 60 * S;
const H = 60 * MIN;
const WEEKS = 28 * 24 * H;

type Fields = Record<string, string>;
function answer(status: number, body: unknown = '', headers: Fields = {}): PushResult & { kind: 'answered' } {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return { kind: 'answered', status, headers, body: Buffer.from(text), connection: 1 };
}

const apns = (status: number, reason: string) => readApnsOutcome(answer(status, { reason }), 0).verdict;
const fcm = (status: number, headers?: Fields) => readFcmOutcome(answer(status, '', headers), NOW).verdict;
const webPush = (status: number, headers?: Fields) => readWebPushOutcome(answer(status, '', headers), NOW).verdict;
const wns = (status: number, headers: Fields = {}) =>
  readWnsOutcome(answer(status, '', { 'x-wns-debug-trace': 'x', ...headers }), NOW).verdict;
const hms = (status: number, code?: number) =>
  readHmsOutcome(answer(status, code === undefined ? '' : { code: String(code) }), NOW).verdict;
const oauth = (status: number) => (readTokenAnswer(status, '') as { verdict: Verdict }).verdict;

const THROTTLED = { 'x-wns-status': 'channelthrottled' };
const LATER = { 'retry-after': '120' };
const DATE = { 'retry-after': new Date(NOW + 120 * S).toUTCString() };

/** Waits of the first four attempts without and with full jitter, of the hundredth with it, and the end of retries. */
interface Row {
  least: number[];
  most: number[];
  atLast: number;
  /** After acceptance; absent: when the message expires. */
  givesUp?: number;
}

const backoff = (first: number, cap: number, givesUp?: number): Row => ({
  least: [first, first, first, first],
  most: [1, 2, 4, 8].map((times) => first + Math.min(cap, times * first)),
  atLast: first + cap,
  ...(givesUp && { givesUp }),
});
const doubling = (first: number, cap: number, givesUp?: number): Row => {
  const least = [1, 2, 4, 8].map((times) => Math.min(cap, times * first));
  const jitter = Math.min(first, MIN);
  return { least, most: least.map((wait) => wait + jitter), atLast: cap + jitter, ...(givesUp && { givesUp }) };
};
const said = (wait: number, givesUp?: number): Row => doubling(wait, wait, givesUp);

it.each<[string, Verdict, Row]>([
  [
    'an unprocessed request after its repeats',
    unansweredVerdict({ kind: 'refused', reason: 'goaway' }),
    backoff(S, MIN),
  ],
  [
    'APNs 500',
    apns(500, 'InternalServerError'),
    {
      least: [5 * S, MIN, MIN, MIN],
      most: [10 * S, 2 * MIN, 3 * MIN, 5 * MIN],
      atLast: 16 * MIN,
      givesUp: 24 * H,
    },
  ],
  [
    'APNs 503',
    apns(503, 'ServiceUnavailable'),
    {
      least: [5 * S, MIN, MIN, MIN],
      most: [10 * S, 2 * MIN, 3 * MIN, 5 * MIN],
      atLast: 16 * MIN,
      givesUp: 24 * H,
    },
  ],
  ['APNs 429 device', apns(429, 'TooManyRequests'), doubling(MIN, H)],
  ['APNs 429 of the provider token', apns(429, 'TooManyProviderTokenUpdates'), said(20 * MIN)],
  ['FCM 429', fcm(429), doubling(MIN, 10 * MIN, H)],
  ['FCM 429 with Retry-After', fcm(429, LATER), said(2 * MIN, H)],
  ['FCM 500', fcm(500), backoff(10 * S, 5 * MIN, H)],
  ['FCM 502', fcm(502), backoff(10 * S, 5 * MIN, H)],
  ['FCM 503', fcm(503), backoff(10 * S, 5 * MIN, H)],
  ['FCM 503 with Retry-After', fcm(503, DATE), said(2 * MIN, H)],
  ['Web Push 429', webPush(429), doubling(30 * S, 10 * MIN)],
  ['Web Push 429 with Retry-After', webPush(429, LATER), said(2 * MIN)],
  ['Web Push 503', webPush(503), backoff(30 * S, 10 * MIN)],
  ['Web Push 503 with Retry-After', webPush(503, DATE), said(2 * MIN)],
  ['WNS 406', wns(406), doubling(H, 4 * H)],
  ['WNS 406 with Retry-After', wns(406, LATER), said(2 * MIN)],
  ['WNS channelthrottled', wns(200, THROTTLED), doubling(10 * MIN, 4 * H)],
  ['WNS 412', wns(412), doubling(H, 4 * H)],
  ['HMS 503', hms(503), doubling(10 * S, 5 * MIN)],
  ['HMS 80100017', hms(200, 80100017), doubling(10 * S, 5 * MIN)],
  ['HMS 81000001', hms(500, 81000001), backoff(10 * S, 5 * MIN)],
  ['OAuth 503', oauth(503), backoff(S, MIN)],
  ['OAuth 429', oauth(429), backoff(S, MIN)],
])('%s', (_class, verdict, { least, most, atLast, givesUp }) => {
  const at = (attempts: number, random: number, acceptedAt = NOW) =>
    decide(verdict, { attempts, random, now: NOW, acceptedAt, expiresAt: acceptedAt + WEEKS, onUnknown: 'resend' });
  const waits = (random: number) => [1, 2, 3, 4].map((attempts) => at(attempts, random).retryAt! - NOW);
  expect(waits(0)).toEqual(least);
  expect(waits(1)).toEqual(most);
  expect(at(100, 1).retryAt! - NOW).toBe(atLast);

  const wait = at(9, 0).retryAt! - NOW;
  const end = givesUp ?? WEEKS;
  expect(at(9, 0, NOW + wait - end + 1).outcome).toBe(OUTCOME.pending);
  expect(at(9, 0, NOW + wait - end).outcome).toBe(givesUp === undefined ? OUTCOME.expired : OUTCOME.failed);
});

it('an ambiguous delivery waits 1 to 2 s, doubling, for three attempts', () => {
  const verdict = unansweredVerdict({ kind: 'ambiguous', reason: 'lost' });
  const at = (attempts: number, random: number) =>
    decide(verdict, { attempts, random, now: 0, acceptedAt: 0, expiresAt: WEEKS, onUnknown: 'resend' });
  expect([at(1, 0), at(1, 1), at(2, 1)].map(({ retryAt }) => retryAt)).toEqual([S, 2 * S, 3 * S]);
  expect(at(3, 0)).toEqual({ outcome: OUTCOME.unknown, reason: 'lost' });
});
