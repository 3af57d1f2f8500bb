import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../common/durations.js';
import type { PushResult } from '../../http2/push.js';
import type { Verdict } from '../provider.js';
import { cutAnswer, isPage, isPassing, UNREADABLE } from '../shared/front-end.js';
import { parseErrorBody, unansweredVerdict } from '../shared/unanswered.js';

/** How to handle an answer of APNs. */
export interface ApnsOutcome {
  /** Final, unless the request is repeated. */
  verdict: Verdict;
  /** The connection that answered must not be used again. */
  retire?: true;
  /**
   * The request was not processed: repeat it once on another connection (`again`); there with another JWT if the old
   * one is old enough (`either`); or only with a new JWT or new connections (`renewed`).
   */
  replay?: 'again' | 'either' | 'renewed';
  /** APNs refused the topic. This happens at times while the scope of a new key settles. */
  suspectTopic?: true;
}

type Answered = Extract<PushResult, { kind: 'answered' }>;

const ACCEPTED: ApnsOutcome = { verdict: { action: 'accept' } };

const fail = (reason: string): ApnsOutcome => ({ verdict: { action: 'fail', reason } });
const stop = (reason: string): ApnsOutcome => ({ verdict: { action: 'stopApplication', reason } });
const drop = (reason: string, certain: boolean): ApnsOutcome => ({
  verdict: { action: 'dropDevice', reason, certain },
});
/**
 * Apple's page asks for 15 minutes after a 5xx. Most are over within seconds, so the first retry is early and 15
 * minutes is the cap.
 */
const backoff = (reason: string): Verdict => ({
  action: 'retryBackoff',
  reason,
  firstMs: 5_000,
  floorMs: MINUTE_MS,
  capMs: 15 * MINUTE_MS,
  giveUpMs: DAY_MS,
});
const throttled = (reason: string): ApnsOutcome => ({
  verdict: { action: 'retryAfter', reason, afterMs: MINUTE_MS, capMs: HOUR_MS, scope: 'device' },
});
const topic = (reason: string): ApnsOutcome => ({ ...stop(reason), suspectTopic: true });
const renewed = (reason: string): ApnsOutcome => ({ ...stop(reason), retire: true, replay: 'renewed' });
/** APNs answers these at times for valid credentials. */
const either = (reason: string): ApnsOutcome => ({ ...stop(reason), retire: true, replay: 'either' });
const again = (reason: string): ApnsOutcome => ({ ...stop(reason), retire: true, replay: 'again' });

/**
 * Status and reason to outcome (Apple: "Handling notification responses from APNs"). An unknown pair is read by its
 * status alone, so that a new reason never removes a device.
 */
const ANSWERS: Record<string, (reason: string) => ApnsOutcome> = {
  '400 BadCollapseId': fail,
  '400 BadExpirationDate': fail,
  '400 BadMessageId': fail,
  '400 BadPriority': fail,
  '400 DuplicateHeaders': fail,
  '400 InvalidPushType': fail,
  '400 PayloadEmpty': fail,
  '400 MissingDeviceToken': fail,
  '400 MissingTopic': topic,
  '400 BadTopic': topic,
  '400 TopicDisallowed': topic,
  // If the environment or the bundle id is wrong, live devices get the same answers, so the guard decides.
  '400 BadDeviceToken': (reason) => drop(reason, false),
  '400 DeviceTokenNotForTopic': (reason) => drop(reason, false),
  '400 IdleTimeout': (reason) => ({ verdict: backoff(reason), retire: true, replay: 'again' }),
  // The connection refuses every later JWT as well (pushy).
  '403 ExpiredProviderToken': renewed,
  '403 UnrelatedKeyIdInToken': again,
  '403 InvalidProviderToken': either,
  '403 MissingProviderToken': either,
  // Apple's page has "Id" in the name; answers have been seen without it.
  '403 BadEnvironmentKeyInToken': again,
  '403 BadEnvironmentKeyIdInToken': again,
  '403 BadCertificate': again,
  '403 BadCertificateEnvironment': again,
  '403 Forbidden': again,
  '404 BadPath': fail,
  '405 MethodNotAllowed': fail,
  '413 PayloadTooLarge': fail,
  '429 TooManyRequests': throttled,
  // Keep the JWT: a new one would be another update.
  '429 TooManyProviderTokenUpdates': (reason) => ({
    verdict: { action: 'retryAfter', reason, afterMs: 20 * MINUTE_MS, scope: 'application' },
    retire: true,
  }),
  '500 InternalServerError': (reason) => ({ verdict: backoff(reason) }),
  '503 ServiceUnavailable': (reason) => ({ verdict: backoff(reason) }),
  '503 Shutdown': (reason) => ({ verdict: backoff(reason), retire: true, replay: 'again' }),
};

/** Reads the result of one push. `registeredAt` (epoch ms): when the device last registered this token. */
export function readApnsOutcome(result: PushResult, registeredAt: number): ApnsOutcome {
  const cut = cutAnswer(result);
  if (result.kind !== 'answered' && cut === undefined) return { verdict: unansweredVerdict(result) };
  return readAnswer(cut ?? (result as Answered), registeredAt);
}

function readAnswer(result: Answered, registeredAt: number): ApnsOutcome {
  if (result.status >= 200 && result.status < 300) return readSuccess(result);
  const body = parseErrorBody(result.body);
  const reason = readReason(body?.reason);
  if (result.status === 410 && (reason === 'Unregistered' || reason === 'ExpiredToken')) {
    return readDead(reason, body?.timestamp, registeredAt);
  }
  const answer = ANSWERS[`${result.status} ${reason}`];
  if (answer !== undefined) return answer(reason);
  const named = reason === '' ? `HTTP ${result.status}` : reason;
  if (result.status === 429) return throttled(named);
  if (result.status === 421) return { verdict: backoff(named), retire: true, replay: 'again' };
  // An answer without a reason comes from a front end.
  return typeof body?.reason !== 'string' || isPassing(result.status) ? { verdict: backoff(named) } : fail(named);
}

/** Apple answers 200 with an `apns-id` and an empty body. */
function readSuccess(result: Answered): ApnsOutcome {
  const { status, headers } = result;
  if (status === 200 && headers['apns-id'] !== undefined) return ACCEPTED;
  if (isPage(result)) return { verdict: backoff(`HTTP ${status}`) };
  return { verdict: { action: 'ambiguous', reason: UNREADABLE } };
}

/**
 * `timestamp` of a 410 (epoch ms) tells since when the token is dead. If the device registered after it, the token is
 * valid again and APNs may need time to notice. Without a timestamp the guard decides.
 */
function readDead(reason: string, timestamp: unknown, registeredAt: number): ApnsOutcome {
  if (typeof timestamp !== 'number') return drop(reason, false);
  if (timestamp >= registeredAt) return drop(reason, true);
  return { verdict: { action: 'retryBackoff', reason, floorMs: MINUTE_MS, capMs: 15 * MINUTE_MS } };
}

/** Apple's reasons are words of letters. Any other text (an echoed token, a page) is not recorded. */
function readReason(value: unknown): string {
  return typeof value === 'string' && /^[A-Za-z]{1,40}$/.test(value) ? value : '';
}
