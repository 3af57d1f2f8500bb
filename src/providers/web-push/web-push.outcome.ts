import type { PushResult } from '../../http2/push.js';
import type { Verdict } from '../provider.js';
import { readRetryAfter, slowDown } from '../retry-after.js';
import { parseErrorBody, unansweredVerdict } from '../unanswered.js';

/** What an answer of a push service asks for. */
export interface WebPushOutcome {
  /** Final, unless the request is replayed. */
  verdict: Verdict;
  /** The connection that answered must not be used again. */
  retire?: true;
  /** Not processed: send once more, at once (`again`) or with a new JWT (`renewed`). */
  replay?: 'again' | 'renewed';
  /** The answer does not tell a wrong VAPID key from a subscription made under another. */
  suspectKey?: true;
}

type Answered = Extract<PushResult, { kind: 'answered' }>;
type Read = (reason: string, waitMs: number | undefined) => WebPushOutcome;

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const ACCEPTED: WebPushOutcome = { verdict: { action: 'accept' } };

const fail: Read = (reason) => ({ verdict: { action: 'fail', reason } });
const dead: Read = (reason) => ({ verdict: { action: 'dropDevice', reason, certain: true } });
/** The subscription is of another key, or ours is wrong: the guard tells. */
const mismatch: Read = (reason) => ({ verdict: { action: 'dropDevice', reason, certain: false } });
const refusedJwt: Read = (reason) => ({ verdict: { action: 'stopApplication', reason }, replay: 'renewed' });
const unclearJwt: Read = (reason) => ({ ...refusedJwt(reason, undefined), suspectKey: true });
/** A 5xx: as long as the service says, else from half a minute to ten minutes. */
const trouble: Read = (reason, waitMs) =>
  waitMs === undefined
    ? { verdict: { action: 'retryBackoff', reason, floorMs: 30 * SECOND_MS, capMs: 10 * MINUTE_MS } }
    : { verdict: { action: 'retryAfter', reason, afterMs: waitMs, scope: 'host' } };
const wait =
  (scope: 'device' | 'application' | 'host', afterMs: number, capMs: number): Read =>
  (reason, waitMs) => ({ verdict: slowDown(reason, scope, waitMs, { afterMs, capMs }) });
const busy = wait('host', 30 * SECOND_MS, 10 * MINUTE_MS);

/** By status alone, for every service (RFC 8030 §5 and §7, RFC 8292 §4). */
const GENERIC: Record<number, Read> = {
  400: fail,
  401: unclearJwt,
  403: mismatch,
  404: dead,
  406: wait('application', HOUR_MS, 4 * HOUR_MS),
  410: dead,
  413: fail,
  429: busy,
};

/** Mozilla's `errno` (autopush-rs, docs: "Error codes"). */
const MOZILLA: Record<string, Read> = {
  '400 101': fail,
  '404 102': dead,
  '410 103': dead,
  '413 104': fail,
  '410 105': dead,
  '410 106': dead,
  '400 108': mismatch,
  '401 109': unclearJwt,
  '400 110': fail,
  '400 111': fail,
  '400 112': fail,
  '400 113': fail,
  '400 114': fail,
  '503 201': trouble,
  // "Use exponential back-off" for 201; this one may be sent again at once.
  '503 202': (reason, waitMs) => ({ ...trouble(reason, waitMs), replay: 'again' }),
  '502 900': trouble,
  '502 901': trouble,
  '502 902': trouble,
  '502 903': trouble,
  '500 999': trouble,
};

/** Apple's `reason` ("Sending web push notifications in web apps and browsers"). */
const APPLE: Record<string, Read> = {
  '400 BadTtl': fail,
  '400 BadUrgency': fail,
  '400 BadWebPushTopic': fail,
  '400 BadWebPushRequest': fail,
  '400 VapidPkHashMismatch': mismatch,
  '400 BadAuthorizationHeader': refusedJwt,
  '403 BadJwtToken': refusedJwt,
  '403 BadVapidPublicKey': refusedJwt,
  '404 BadPath': dead,
  '413 PayloadTooLarge': fail,
  '429 TooManyRequests': wait('device', MINUTE_MS, 10 * MINUTE_MS),
  '500 InternalServerError': trouble,
  '503 ServiceUnavailable': trouble,
  '503 Shutdown': (reason, waitMs) => ({ ...trouble(reason, waitMs), retire: true, replay: 'again' }),
};

/** `X-WNS-Status` beside a success (Microsoft: "Push notification service request and response headers"). */
const WINDOWS_STATUS: Record<string, Read> = {
  dropped: (reason) => ({ verdict: { action: 'acceptDropped', reason } }),
  channelthrottled: wait('device', 10 * MINUTE_MS, 4 * HOUR_MS),
};

/**
 * Reads what became of one push; `now` is epoch ms. The service is known by the form of its answer: Mozilla's JSON has
 * an `errno`, Apple's a `reason`, Microsoft's words are in headers, Google sends text. So a service of one's own that
 * runs the same software is read the same.
 */
export function readWebPushOutcome(result: PushResult, now: number): WebPushOutcome {
  if (result.kind !== 'answered') return { verdict: unansweredVerdict(result) };
  const waitMs = readRetryAfter(result.headers['retry-after'], now);
  const { status } = result;
  if (status >= 200 && status < 300) {
    const word = readWord(result.headers['x-wns-status']);
    return WINDOWS_STATUS[word]?.(word, waitMs) ?? ACCEPTED;
  }
  const { reason, read } = recognize(result);
  if (read !== undefined) return read(reason, waitMs);
  // Redirects are among the failures: an endpoint was checked, where it points to was not.
  return (GENERIC[status] ?? (status >= 500 ? trouble : fail))(reason, waitMs);
}

function recognize({ status, headers, body }: Answered): { reason: string; read?: Read | undefined } {
  const json = parseErrorBody(body);
  if (typeof json?.errno === 'number' && Number.isInteger(json.errno)) {
    return { reason: `HTTP ${status} errno ${json.errno}`, read: MOZILLA[`${status} ${json.errno}`] };
  }
  const word = readWord(json?.reason);
  if (word !== '') return { reason: word, read: APPLE[`${status} ${word}`] };
  const windows = readWord(headers['x-wns-status']);
  if (windows !== '') return { reason: `HTTP ${status} ${windows}` };
  // Google says in words that a 400 is about the JWT; nothing of its text is kept.
  const text = json === undefined && body.length <= 4_096 ? body.toString('utf8') : '';
  if (status === 400 && /jwt|vapid|UnauthorizedRegistration/i.test(text))
    return { reason: 'HTTP 400', read: unclearJwt };
  return { reason: `HTTP ${status}` };
}

/** The services' words are of letters; anything else (an endpoint echoed back, a page) stays out of our records. */
function readWord(value: unknown): string {
  return typeof value === 'string' && /^[A-Za-z]{1,40}$/.test(value) ? value : '';
}
