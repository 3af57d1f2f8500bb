import type { HttpResult } from '../http1-client.js';
import type { Verdict } from '../provider.js';
import { readRetryAfter } from '../retry-after.js';
import { unansweredVerdict } from '../unanswered.js';

/** What an answer of WNS asks for. */
export interface WnsOutcome {
  /** Final, unless the request is replayed. */
  verdict: Verdict;
  /** The access token was refused: send once more with another. */
  replay?: 'renewed';
}

type Headers = Readonly<Record<string, string>>;

const HOUR_MS = 3_600_000;
const LONGEST_WAIT_MS = 4 * HOUR_MS;
/** WNS names no wait for a throttled channel; ten minutes is what other senders have settled on (rpush). */
const CHANNEL_WAIT_MS = 10 * 60_000;
const BUSY_WAIT_MS = 60_000;

const stop = (reason: string): Verdict => ({ action: 'stopApplication', reason });
const fail = (reason: string): Verdict => ({ action: 'fail', reason });

/** HTTP status to verdict (Microsoft: "Push notification service request and response headers", response codes). */
const STATUSES: Readonly<Record<number, (headers: Headers, now: number) => Verdict>> = {
  200: readNotificationStatus,
  401: () => stop('HTTP 401'),
  // The channel is another app's: of one device that is its own fault, of many it is the credentials'.
  403: () => ({ action: 'dropDevice', reason: 'HTTP 403', certain: false }),
  404: () => ({ action: 'dropDevice', reason: 'HTTP 404', certain: true }),
  406: (headers, now) => throttled('HTTP 406', readRetryAfter(headers['retry-after'], now) ?? HOUR_MS, 'application'),
  408: () => ({ action: 'retryBackoff', reason: 'HTTP 408' }),
  410: ({ 'x-wns-error-description': description = '' }) =>
    /domain blocked/i.test(description)
      ? stop('HTTP 410 Domain Blocked')
      : { action: 'dropDevice', reason: 'HTTP 410', certain: true },
  // The device is out of reach, for as long as it pleases.
  412: () => ({ action: 'retryBackoff', reason: 'HTTP 412', floorMs: HOUR_MS, capMs: LONGEST_WAIT_MS }),
  429: (headers, now) =>
    throttled('HTTP 429', readRetryAfter(headers['retry-after'], now) ?? BUSY_WAIT_MS, 'application'),
  503: (headers, now) => throttled('HTTP 503', readRetryAfter(headers['retry-after'], now) ?? BUSY_WAIT_MS, 'host'),
};

/** Reads what became of one notification; `now` is epoch ms. */
export function readWnsOutcome(result: HttpResult, now: number): WnsOutcome {
  if (result.kind !== 'answered') return { verdict: unansweredVerdict(result) };
  const { status, headers } = result;
  const reason = `HTTP ${status}`;
  const verdict =
    STATUSES[status]?.(headers, now) ?? (status >= 500 ? { action: 'retryBackoff' as const, reason } : fail(reason));
  return status === 401 ? { verdict, replay: 'renewed' } : { verdict };
}

/** 200 says that WNS understood; whether it took the notification is in a header, of which two spellings are about. */
function readNotificationStatus(headers: Headers): Verdict {
  const status = (headers['x-wns-status'] ?? headers['x-wns-notificationstatus'] ?? 'received').toLowerCase();
  if (status === 'channelthrottled') return throttled('channelthrottled', CHANNEL_WAIT_MS, 'device');
  // The user switched notifications off, or the device is away and the message was not to be kept.
  if (status === 'dropped') return { action: 'acceptDropped', reason: 'dropped' };
  return { action: 'accept' };
}

function throttled(reason: string, afterMs: number, scope: 'device' | 'application' | 'host'): Verdict {
  return { action: 'retryAfter', reason, afterMs, scope };
}
