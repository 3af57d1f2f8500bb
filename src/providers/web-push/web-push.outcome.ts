import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../../common/durations.js';
import type { PushResult } from '../../http2/push.js';
import type { Verdict } from '../provider.js';
import { cutAnswer, isPage, isPassing, UNREADABLE } from '../shared/front-end.js';
import { readRetryAfter, slowDown } from '../shared/retry-after.js';
import { parseErrorBody, unansweredVerdict } from '../shared/unanswered.js';

/** How to handle an answer of a push service. */
export interface WebPushOutcome {
  /** Final, unless the request is repeated. */
  verdict: Verdict;
  /** The connection that answered must not be used again. */
  retire?: true;
  /** Not processed: repeat once, at once (`again`) or with a new JWT (`renewed`). */
  replay?: 'again' | 'renewed';
  /** The answer may mean a wrong VAPID key or a subscription that was made with another key. */
  suspectKey?: true;
}

type Answered = Extract<PushResult, { kind: 'answered' }>;
type Read = (reason: string, waitMs: number | undefined) => WebPushOutcome;

const ACCEPTED: WebPushOutcome = { verdict: { action: 'accept' } };

const fail: Read = (reason) => ({ verdict: { action: 'fail', reason } });
const dead: Read = (reason) => ({ verdict: { action: 'dropDevice', reason, certain: true } });
/** The subscription belongs to another key, or our key is wrong: the guard decides. */
const mismatch: Read = (reason) => ({ verdict: { action: 'dropDevice', reason, certain: false } });
const refusedJwt: Read = (reason) => ({ verdict: { action: 'stopApplication', reason }, replay: 'renewed' });
const unclearJwt: Read = (reason) => ({ ...refusedJwt(reason, undefined), suspectKey: true });
/** A 5xx: waits as long as the service says, otherwise from 30 s to 10 min. */
const trouble: Read = (reason, waitMs) =>
  waitMs === undefined
    ? { verdict: { action: 'retryBackoff', reason, floorMs: 30 * SECOND_MS, capMs: 10 * MINUTE_MS } }
    : { verdict: { action: 'retryAfter', reason, afterMs: waitMs, scope: 'host' } };
const wait =
  (scope: 'device' | 'application' | 'host', afterMs: number, capMs: number): Read =>
  (reason, waitMs) => ({ verdict: slowDown(reason, scope, waitMs, { afterMs, capMs }) });
const busy = wait('host', 30 * SECOND_MS, 10 * MINUTE_MS);

/**
 * By status, for every service (RFC 8030 §5, §7; RFC 8292 §4). Front ends answer 404 and 410 too, so the guard decides.
 */
const GENERIC: Record<number, Read> = {
  400: fail,
  401: unclearJwt,
  403: mismatch,
  404: mismatch,
  406: wait('host', HOUR_MS, 4 * HOUR_MS),
  410: mismatch,
  413: fail,
  421: (reason, waitMs) => ({ ...trouble(reason, waitMs), retire: true, replay: 'again' }),
  429: busy,
};

/** Statuses that count even with HTML, because they are about a size or a time. */
const OF_PAGES_TOO: ReadonlySet<number> = new Set([406, 413, 421, 429]);

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
  // autopush-rs asks for exponential back-off after 201; after 202 the message may be sent again at once.
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
  '410 Unregistered': dead,
  '410 ExpiredToken': dead,
  '413 PayloadTooLarge': fail,
  '429 TooManyRequests': wait('device', MINUTE_MS, 10 * MINUTE_MS),
  '500 InternalServerError': trouble,
  '503 ServiceUnavailable': trouble,
  '503 Shutdown': (reason, waitMs) => ({ ...trouble(reason, waitMs), retire: true, replay: 'again' }),
};

/** Google's texts for 404 and 410. The last is from older endpoints, which answer HTML. */
const GOOGLE_GONE = /push subscription has unsubscribed or expired|valid push subscription endpoint|\bNotRegistered\b/i;

/** `X-WNS-Status` with a success (Microsoft: "Push notification service request and response headers"). */
const WINDOWS_STATUS: Record<string, Read> = {
  dropped: (reason) => ({ verdict: { action: 'acceptDropped', reason } }),
  channelthrottled: wait('device', 10 * MINUTE_MS, 4 * HOUR_MS),
};

/**
 * Reads the result of one push; `now` is epoch ms. The form of the answer tells the service: Mozilla's JSON has
 * `errno`, Apple's `reason`, Microsoft uses headers, Google sends text. A private service with the same software is
 * therefore read the same.
 */
export function readWebPushOutcome(result: PushResult, now: number): WebPushOutcome {
  const answer = cutAnswer(result) ?? result;
  if (answer.kind !== 'answered') return { verdict: unansweredVerdict(answer) };
  const waitMs = readRetryAfter(answer.headers['retry-after'], now);
  const { status } = answer;
  if (status >= 200 && status < 300) return readSuccess(answer, waitMs);
  const { reason, read } = recognize(answer);
  if (read !== undefined) return read(reason, waitMs);
  // Redirects are not followed, because only the endpoint's address was checked.
  if (isPage(answer) && !OF_PAGES_TOO.has(status)) return trouble(reason, waitMs);
  return (GENERIC[status] ?? (isPassing(status) ? trouble : fail))(reason, waitMs);
}

/**
 * RFC 8030 §5 requires 201 with a Location, or 202. Services with other answers mark them by a header or JSON; a bare
 * 200 is from a front end.
 */
function readSuccess(answer: Answered, waitMs: number | undefined): WebPushOutcome {
  const { status, headers, body } = answer;
  if (isPage(answer)) return trouble(`HTTP ${status}`, waitMs);
  const word = readWord(headers['x-wns-status']);
  const windows = WINDOWS_STATUS[word];
  if (windows !== undefined) return windows(word, waitMs);
  const isMarked = word !== '' || headers.location !== undefined || headers['apns-id'] !== undefined;
  if (isMarked || status !== 200 || headers.ttl !== undefined || parseErrorBody(body) !== undefined) return ACCEPTED;
  return { verdict: { action: 'ambiguous', reason: UNREADABLE } };
}

function recognize({ status, headers, body }: Answered): { reason: string; read?: Read | undefined } {
  const json = parseErrorBody(body);
  if (typeof json?.errno === 'number' && Number.isInteger(json.errno)) {
    return { reason: `HTTP ${status} errno ${json.errno}`, read: MOZILLA[`${status} ${json.errno}`] };
  }
  const word = readWord(json?.reason);
  if (word !== '') return { reason: word, read: APPLE[`${status} ${word}`] };
  const isGone = status === 404 || status === 410;
  const windows = readWord(headers['x-wns-status']);
  if (Object.keys(headers).some((name) => name.startsWith('x-wns-')))
    return { reason: `HTTP ${status} ${windows}`.trim(), read: isGone ? dead : undefined };
  // Google describes the fault as text, which is not recorded.
  const text = json === undefined && body.length <= 4_096 ? body.toString('utf8') : '';
  if (status === 400 && /jwt|vapid|UnauthorizedRegistration/i.test(text))
    return { reason: 'HTTP 400', read: unclearJwt };
  if (isGone && GOOGLE_GONE.test(text)) return { reason: `HTTP ${status}`, read: dead };
  return { reason: `HTTP ${status}` };
}

/** The services' reasons are words of letters. Any other text (an echoed endpoint, a page) is not recorded. */
function readWord(value: unknown): string {
  return typeof value === 'string' && /^[A-Za-z]{1,40}$/.test(value) ? value : '';
}
