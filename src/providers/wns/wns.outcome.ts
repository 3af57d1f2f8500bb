import { HOUR_MS, MINUTE_MS } from '../../common/durations.js';
import type { HttpResult } from '../shared/http1-client.js';
import type { Verdict } from '../provider.js';
import { cutAnswer, isPage, isPassing, UNREADABLE } from '../shared/front-end.js';
import { readRetryAfter, slowDown } from '../shared/retry-after.js';
import { unansweredVerdict } from '../shared/unanswered.js';

/** How to handle an answer of WNS. */
export interface WnsOutcome {
  /** Final, unless the request is repeated. */
  verdict: Verdict;
  /** The access token was refused: repeat the request once with another. */
  tokenRefused?: true;
}

type Headers = Readonly<Record<string, string>>;

/** Waits if WNS names none; rpush also waits an hour and ten minutes. */
const HOUR_WAITS = { afterMs: HOUR_MS, capMs: 4 * HOUR_MS };
const CHANNEL_WAITS = { afterMs: 10 * MINUTE_MS, capMs: 4 * HOUR_MS };
const BUSY_WAITS = { afterMs: MINUTE_MS, capMs: 10 * MINUTE_MS };

const stop = (reason: string): Verdict => ({ action: 'stopApplication', reason });
const fail = (reason: string): Verdict => ({ action: 'fail', reason });

/** HTTP status to verdict (Microsoft: "Push notification service request and response headers", response codes). */
const STATUSES: Readonly<Record<number, (waitMs: number | undefined, headers: Headers) => Verdict>> = {
  200: readNotificationStatus,
  401: () => stop('HTTP 401'),
  // The channel belongs to another app. If many channels answer this, the credentials are wrong, so the guard decides.
  403: () => ({ action: 'dropDevice', reason: 'HTTP 403', certain: false }),
  404: () => ({ action: 'dropDevice', reason: 'HTTP 404', certain: true }),
  406: (waitMs) => slowDown('HTTP 406', 'application', waitMs, HOUR_WAITS),
  410: (_waitMs, { 'x-wns-error-description': description = '' }) =>
    /domain blocked/i.test(description)
      ? stop('HTTP 410 Domain Blocked')
      : { action: 'dropDevice', reason: 'HTTP 410', certain: true },
  // The device is unreachable for an unknown time.
  412: (waitMs) => slowDown('HTTP 412', 'device', waitMs, HOUR_WAITS),
  429: (waitMs) => slowDown('HTTP 429', 'application', waitMs, BUSY_WAITS),
  503: (waitMs) => slowDown('HTTP 503', 'host', waitMs, BUSY_WAITS),
};

/** Reads the result of one notification; `now` is epoch ms. */
export function readWnsOutcome(result: HttpResult, now: number): WnsOutcome {
  // The headers contain all that WNS says.
  const answer = cutAnswer(result) ?? result;
  if (answer.kind !== 'answered') return { verdict: unansweredVerdict(answer) };
  const { status, headers } = answer;
  const waitMs = readRetryAfter(headers['retry-after'], now);
  const backoff: Verdict = { action: 'retryBackoff', reason: `HTTP ${status}` };
  const verdict = isOfWns(status, headers)
    ? (STATUSES[status]?.(waitMs, headers) ?? (isPassing(status) ? backoff : fail(backoff.reason)))
    : readForeign(answer, waitMs, backoff);
  return status === 401 ? { verdict, tokenRefused: true } : { verdict };
}

/** WNS answers have an x-wns- header; a refused access token has the header of RFC 6750 §3. */
function isOfWns(status: number, headers: Headers): boolean {
  if (status === 401 && /^bearer\b/i.test(headers['www-authenticate'] ?? '')) return true;
  return Object.keys(headers).some((name) => name.startsWith('x-wns-'));
}

/** A front end answered, which says nothing about a channel or the credentials. */
function readForeign(
  answer: Extract<HttpResult, { kind: 'answered' }>,
  waitMs: number | undefined,
  backoff: Verdict,
): Verdict {
  const { status } = answer;
  if (status >= 200 && status < 300 && !isPage(answer)) return { action: 'ambiguous', reason: UNREADABLE };
  if (status === 413) return fail('HTTP 413');
  return (status === 429 || status === 503 ? STATUSES[status]?.(waitMs, {}) : undefined) ?? backoff;
}

/**
 * 200 means that WNS understood the request. A header, which has two spellings, tells whether it accepted the
 * notification.
 */
function readNotificationStatus(waitMs: number | undefined, headers: Headers): Verdict {
  const status = (headers['x-wns-status'] ?? headers['x-wns-notificationstatus'] ?? 'received').toLowerCase();
  if (status === 'channelthrottled') return slowDown('channelthrottled', 'device', waitMs, CHANNEL_WAITS);
  // Notifications are switched off, or the device is offline and the message may not be stored.
  if (status === 'dropped') return { action: 'acceptDropped', reason: 'dropped' };
  return { action: 'accept' };
}
