import { HOUR_MS, MINUTE_MS } from '../../common/durations.js';
import type { PushResult } from '../../http2/push.js';
import type { Verdict } from '../provider.js';
import { cutAnswer, isPage, isPassing, UNREADABLE } from '../shared/front-end.js';
import { clampWait, readRetryAfter, slowDown } from '../shared/retry-after.js';
import { isObject, parseErrorBody, unansweredVerdict } from '../shared/unanswered.js';

/** What an answer of FCM asks for. */
export interface FcmOutcome {
  /** Final, unless the request is replayed. */
  verdict: Verdict;
  /** The access token was refused: send once more with another. */
  replay?: 'renewed';
}

type Answered = Extract<PushResult, { kind: 'answered' }>;

/** What a failure says, in the order in which it is believed: FCM's own code, Google's status, the HTTP status. */
interface Failure {
  errorCode: string;
  status: string;
  http: number;
  message: string;
  /** Fields that the request got wrong, e.g. `message.token`. */
  fields: string[];
  /** Apple's own word, where FCM passes a message on to Apple. */
  apple: string;
  /** Text of the quota that ran out. */
  quota: string;
  /** The wait that was asked for, in ms. */
  waitMs: number | undefined;
  /** True of Google's own form: an `error` with a code or a status. */
  isGoogles: boolean;
}

const ACCEPTED: FcmOutcome = { verdict: { action: 'accept' } };
/** Google's guides: 10 s before the first retry of a 5xx, a minute after a quota ran out, and none after an hour. */
const SERVER_WAITS = { floorMs: 10_000, capMs: 5 * MINUTE_MS };
const QUOTA_WAITS = { afterMs: MINUTE_MS, capMs: 10 * MINUTE_MS };
const GIVE_UP_MS = HOUR_MS;
/** Nobody knows what an unspecified error is: a few tries show whether it passes. */
const UNSPECIFIED_GIVE_UP_MS = 5 * MINUTE_MS;

const fail = (reason: string): FcmOutcome => ({ verdict: { action: 'fail', reason } });
const stop = (reason: string): FcmOutcome => ({ verdict: { action: 'stopApplication', reason } });
const drop = (reason: string, certain: boolean): FcmOutcome => ({ verdict: { action: 'dropDevice', reason, certain } });
const renew = (reason: string): FcmOutcome => ({ ...stop(reason), replay: 'renewed' });
const backoff = (reason: string, giveUpMs = GIVE_UP_MS): FcmOutcome => ({
  verdict: { action: 'retryBackoff', reason, ...SERVER_WAITS, giveUpMs },
});
const later = (failure: Failure, scope: 'device' | 'application'): FcmOutcome => ({
  verdict: { ...slowDown(name(failure), scope, failure.waitMs, QUOTA_WAITS), giveUpMs: GIVE_UP_MS },
});

/** FcmError.errorCode to outcome (Firebase: "FCM error codes"). */
const ERROR_CODES: Record<string, (failure: Failure) => FcmOutcome> = {
  INVALID_ARGUMENT: readInvalid,
  // One phone's trouble, not the application's: only devices reached through Apple or a browser answer this, and one
  // such device must not pause all Android phones.
  THIRD_PARTY_AUTH_ERROR: (failure) => fail(name(failure)),
  SENDER_ID_MISMATCH: () => drop('SENDER_ID_MISMATCH', false),
  UNREGISTERED: () => drop('UNREGISTERED', true),
  QUOTA_EXCEEDED: readQuota,
  INTERNAL: () => backoff('INTERNAL'),
  UNAVAILABLE: readUnavailable,
  UNSPECIFIED_ERROR: () => backoff('UNSPECIFIED_ERROR', UNSPECIFIED_GIVE_UP_MS),
};

/** `error.status` (google.rpc.Code) to outcome, when FCM itself gave no code. */
const STATUSES: Record<string, (failure: Failure) => FcmOutcome> = {
  INVALID_ARGUMENT: readInvalid,
  UNAUTHENTICATED: () => renew('UNAUTHENTICATED'),
  PERMISSION_DENIED: () => renew('PERMISSION_DENIED'),
  // Without FCM's word for it the project or the URL is meant, never a device.
  NOT_FOUND: () => renew('NOT_FOUND'),
  RESOURCE_EXHAUSTED: readQuota,
  INTERNAL: () => backoff('INTERNAL'),
  UNAVAILABLE: readUnavailable,
};

/** HTTP status to outcome, where Google names none or something else answers. */
const HTTP_STATUSES: Record<number, (failure: Failure) => FcmOutcome> = {
  401: ({ isGoogles }) => (isGoogles ? renew('HTTP 401') : { ...backoff('HTTP 401'), replay: 'renewed' }),
  403: ({ isGoogles }) => (isGoogles ? renew('HTTP 403') : backoff('HTTP 403')),
  404: ({ isGoogles }) => (isGoogles ? renew('HTTP 404') : backoff('HTTP 404')),
  413: () => fail('HTTP 413'),
  429: readQuota,
  503: readUnavailable,
};

/** Reads what became of one `messages:send`; `now` is epoch ms. */
export function readFcmOutcome(result: PushResult, now: number): FcmOutcome {
  const cut = cutAnswer(result);
  if (cut !== undefined) return cut.status < 300 ? readCutSuccess(cut) : readFailed(cut, now);
  if (result.kind !== 'answered') return { verdict: unansweredVerdict(result) };
  return result.status >= 200 && result.status < 300 ? readSuccess(result) : readFailed(result, now);
}

/** FCM answers 200 with the `name` that it gave the message. */
function readSuccess(result: Answered): FcmOutcome {
  const name = parseErrorBody(result.body)?.name;
  if (typeof name === 'string' && /^projects\/[^/]+\/messages\/./.test(name)) return ACCEPTED;
  return isPage(result) ? backoff(`HTTP ${result.status}`) : { verdict: { action: 'ambiguous', reason: UNREADABLE } };
}

/** The body stalled: the head tells FCM from a front end. */
function readCutSuccess({ status, headers }: Answered): FcmOutcome {
  if (status === 200 && /^application\/json\b/i.test(headers['content-type'] ?? '')) return ACCEPTED;
  return { verdict: { action: 'ambiguous', reason: `no body after status ${status}` } };
}

function readFailed(result: Answered, now: number): FcmOutcome {
  const failure = readFailure(result, now);
  const { errorCode, status, http } = failure;
  const known = ERROR_CODES[errorCode] ?? (errorCode === '' ? STATUSES[status] : undefined);
  if (known !== undefined) return known(failure);
  if (errorCode !== '') {
    // FCM's word is new to us: what it says of the credential still holds, but it is no proof against a project.
    if (status === 'UNAUTHENTICATED') return renew(errorCode);
    return isPassing(http) ? backoff(errorCode) : http === 429 ? readQuota(failure) : fail(errorCode);
  }
  const read = HTTP_STATUSES[http];
  if (read !== undefined) return read(failure);
  return isPassing(http) || !failure.isGoogles ? backoff(name(failure)) : fail(name(failure));
}

/** Google: remove a device only when the payload is known to be right. So nothing but the token may be at fault. */
function readInvalid({ fields, message }: Failure): FcmOutcome {
  const aboutToken = (field: string): boolean => field === 'message.token' || field === 'message.fid';
  const tokenOnly =
    fields.length > 0 ? fields.every(aboutToken) : /registration token is (not a valid|invalid)/i.test(message);
  if (tokenOnly) return drop('INVALID_ARGUMENT', false);
  const field = fields.find((each) => /^message(\.\w{1,30}){1,4}$/.test(each));
  return fail(field === undefined ? 'INVALID_ARGUMENT' : `INVALID_ARGUMENT ${field}`);
}

function readQuota(failure: Failure): FcmOutcome {
  const scope = /device|registration/i.test(failure.quota) ? 'device' : 'application';
  return later(failure, scope);
}

/** Overloaded for a while. The smallest thing that gives it rest is the application that was told so. */
function readUnavailable(failure: Failure): FcmOutcome {
  return failure.waitMs === undefined ? backoff(name(failure)) : later(failure, 'application');
}

function name({ errorCode, status, http, apple }: Failure): string {
  const word = errorCode || status || `HTTP ${http}`;
  return apple === '' ? word : `${word} ${apple}`;
}

/** Reads a failure defensively: an absent or strange part is as good as empty. */
function readFailure({ status: http, headers, body }: Answered, now: number): Failure {
  const error = parseErrorBody(body)?.error;
  const { code, status, message, details } = isObject(error) ? error : {};
  const failure: Failure = {
    errorCode: '',
    status: codeWord(status),
    http,
    message: typeof message === 'string' ? message : '',
    fields: [],
    apple: '',
    quota: '',
    waitMs: readRetryAfter(headers['retry-after'], now),
    isGoogles: typeof code === 'number' || codeWord(status) !== '',
  };
  for (const detail of Array.isArray(details) ? details.filter(isObject) : []) readDetail(detail, failure);
  return failure;
}

function readDetail(detail: Record<string, unknown>, failure: Failure): void {
  const type = typeof detail['@type'] === 'string' ? detail['@type'].split('/').at(-1) : '';
  if (type === 'google.firebase.fcm.v1.FcmError') failure.errorCode = codeWord(detail.errorCode);
  if (type === 'google.firebase.fcm.v1.ApnsError' && /^[A-Za-z]{1,40}$/.test(String(detail.reason)))
    failure.apple = String(detail.reason);
  if (type === 'google.rpc.BadRequest') {
    failure.fields = objects(detail.fieldViolations).map(({ field }) => (typeof field === 'string' ? field : ''));
  }
  if (type === 'google.rpc.QuotaFailure') {
    const texts = objects(detail.violations).flatMap(({ subject, description }) => [subject, description]);
    failure.quota = texts.filter((text) => typeof text === 'string').join(' ');
  }
  if (type === 'google.rpc.RetryInfo' && failure.waitMs === undefined) {
    const seconds = /^(\d{1,6}(?:\.\d+)?)s$/.exec(String(detail.retryDelay))?.[1];
    if (seconds !== undefined) failure.waitMs = clampWait(Number(seconds) * 1_000);
  }
}

function objects(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** Google's codes are capitals; anything else stays out of our records. */
function codeWord(value: unknown): string {
  return typeof value === 'string' && /^[A-Z][A-Z_]{1,40}$/.test(value) ? value : '';
}
