import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../common/durations.js';
import type { PushResult } from '../../http2/push.js';
import type { Verdict } from '../provider.js';
import { cutAnswer, isPage, isPassing, UNREADABLE } from '../shared/front-end.js';
import { parseErrorBody, unansweredVerdict } from '../shared/unanswered.js';

/** What an answer of APNs asks for. */
export interface ApnsOutcome {
  /** Final, unless the request is replayed. */
  verdict: Verdict;
  /** The connection that answered must not be used again. */
  retire?: true;
  /**
   * Not processed: send once more, on another connection (`again`), there with another JWT if it is old enough to be
   * replaced (`either`), or only with a new JWT or new connections (`renewed`).
   */
  replay?: 'again' | 'either' | 'renewed';
  /** The topic was refused: Apple refuses one at times while a key's scope settles. */
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
 * Apple's text asks for 15 minutes after a 5xx; in practice most are over in seconds, so the first retry is quick and
 * 15 minutes is where the others end.
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
/** Apple gives these at times for credentials that are right. */
const either = (reason: string): ApnsOutcome => ({ ...stop(reason), retire: true, replay: 'either' });
const again = (reason: string): ApnsOutcome => ({ ...stop(reason), retire: true, replay: 'again' });

/**
 * Status and reason to outcome (Apple: "Handling notification responses from APNs"). A pair that is not here goes by
 * its status alone, so a reason that Apple moves or adds never costs a device.
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
  // Both look like dead devices when the environment or the bundle id is wrong: guarded.
  '400 BadDeviceToken': (reason) => drop(reason, false),
  '400 DeviceTokenNotForTopic': (reason) => drop(reason, false),
  '400 IdleTimeout': (reason) => ({ verdict: backoff(reason), retire: true, replay: 'again' }),
  // The connection keeps refusing after this, whatever JWT it is given next.
  '403 ExpiredProviderToken': renewed,
  '403 UnrelatedKeyIdInToken': again,
  '403 InvalidProviderToken': either,
  '403 MissingProviderToken': either,
  // The wire has been seen without "Id", Apple's page has it.
  '403 BadEnvironmentKeyInToken': again,
  '403 BadEnvironmentKeyIdInToken': again,
  '403 BadCertificate': again,
  '403 BadCertificateEnvironment': again,
  '403 Forbidden': again,
  '404 BadPath': fail,
  '405 MethodNotAllowed': fail,
  '413 PayloadTooLarge': fail,
  '429 TooManyRequests': throttled,
  // The JWT stays: another would be one update more.
  '429 TooManyProviderTokenUpdates': (reason) => ({
    verdict: { action: 'retryAfter', reason, afterMs: 20 * MINUTE_MS, scope: 'application' },
    retire: true,
  }),
  '500 InternalServerError': (reason) => ({ verdict: backoff(reason) }),
  '503 ServiceUnavailable': (reason) => ({ verdict: backoff(reason) }),
  '503 Shutdown': (reason) => ({ verdict: backoff(reason), retire: true, replay: 'again' }),
};

/** Reads what became of one push; `registeredAt` (epoch ms) is when the device last registered this token. */
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
  // Without a reason of Apple's it is a front end that speaks.
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
 * A 410 tells since when (epoch ms) the token is dead. A device that registered after that moment is alive again under
 * the same token, which APNs may take a while to notice. Without the moment only the guard can tell.
 */
function readDead(reason: string, timestamp: unknown, registeredAt: number): ApnsOutcome {
  if (typeof timestamp !== 'number') return drop(reason, false);
  if (timestamp >= registeredAt) return drop(reason, true);
  return { verdict: { action: 'retryBackoff', reason, floorMs: MINUTE_MS, capMs: 15 * MINUTE_MS } };
}

/** Apple's reasons are words of letters; anything else (a token echoed back, a page of text) stays out of our records. */
function readReason(value: unknown): string {
  return typeof value === 'string' && /^[A-Za-z]{1,40}$/.test(value) ? value : '';
}
