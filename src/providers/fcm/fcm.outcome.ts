import { HOUR_MS, MINUTE_MS } from '../../common/durations.js';
import type { PushResult } from '../../http2/push.js';
import type { Verdict } from '../provider.js';
import { cutAnswer, isPage, isPassing, UNREADABLE } from '../shared/front-end.js';
import { clampWait, readRetryAfter, slowDown } from '../shared/retry-after.js';
import { isObject, parseErrorBody, unansweredVerdict } from '../shared/unanswered.js';

/** How to handle an answer of FCM. */
export interface FcmOutcome {
  /** Final, unless the request is repeated. */
  verdict: Verdict;
  /** The access token was refused: repeat the request once with another. */
  tokenRefused?: true;
}

type Answered = Extract<PushResult, { kind: 'answered' }>;

/** The parts of a failure, in order of precedence: FCM's code, Google's status, the HTTP status. */
interface Failure {
  errorCode: string;
  status: string;
  http: number;
  message: string;
  /** Fields that are wrong in the request, e.g. `message.token`. */
  fields: string[];
  /** Apple's reason, if FCM passes the message on to Apple. */
  apple: string;
  /** Text of the exceeded quota. */
  quota: string;
  /** The requested wait in ms. */
  waitMs: number | undefined;
  /** True if the body has Google's form: `error` with a code or a status. */
  isGoogles: boolean;
}

const ACCEPTED: FcmOutcome = { verdict: { action: 'accept' } };
/** Google's guides: 10 s before the first retry of a 5xx, 60 s after an exceeded quota, no retry after 60 minutes. */
const SERVER_WAITS = { floorMs: 10_000, capMs: 5 * MINUTE_MS };
const QUOTA_WAITS = { afterMs: MINUTE_MS, capMs: 10 * MINUTE_MS };
const GIVE_UP_MS = HOUR_MS;
/** FCM documents no cause for an unspecified error, so it is retried for a few minutes only. */
const UNSPECIFIED_GIVE_UP_MS = 5 * MINUTE_MS;

const fail = (reason: string): FcmOutcome => ({ verdict: { action: 'fail', reason } });
const stop = (reason: string): FcmOutcome => ({ verdict: { action: 'stopApplication', reason } });
const drop = (reason: string, certain: boolean): FcmOutcome => ({ verdict: { action: 'dropDevice', reason, certain } });
const renew = (reason: string): FcmOutcome => ({ ...stop(reason), tokenRefused: true });
const backoff = (reason: string, giveUpMs = GIVE_UP_MS): FcmOutcome => ({
  verdict: { action: 'retryBackoff', reason, ...SERVER_WAITS, giveUpMs },
});
const later = (failure: Failure, scope: 'device' | 'application'): FcmOutcome => ({
  verdict: { ...slowDown(name(failure), scope, failure.waitMs, QUOTA_WAITS), giveUpMs: GIVE_UP_MS },
});

/** FcmError.errorCode to outcome (Firebase: "FCM error codes"). */
const ERROR_CODES: Record<string, (failure: Failure) => FcmOutcome> = {
  INVALID_ARGUMENT: readInvalid,
  // Only devices that FCM reaches through Apple or a browser answer this. One such device must not pause all Android
  // phones.
  THIRD_PARTY_AUTH_ERROR: (failure) => fail(name(failure)),
  SENDER_ID_MISMATCH: () => drop('SENDER_ID_MISMATCH', false),
  UNREGISTERED: () => drop('UNREGISTERED', true),
  QUOTA_EXCEEDED: readQuota,
  INTERNAL: () => backoff('INTERNAL'),
  UNAVAILABLE: readUnavailable,
  UNSPECIFIED_ERROR: () => backoff('UNSPECIFIED_ERROR', UNSPECIFIED_GIVE_UP_MS),
};

/** `error.status` (google.rpc.Code) to outcome, if FCM gave no code. */
const STATUSES: Record<string, (failure: Failure) => FcmOutcome> = {
  INVALID_ARGUMENT: readInvalid,
  UNAUTHENTICATED: () => renew('UNAUTHENTICATED'),
  PERMISSION_DENIED: () => renew('PERMISSION_DENIED'),
  // Without an FCM code, the project or the URL does not exist; this says nothing about a device.
  NOT_FOUND: () => renew('NOT_FOUND'),
  RESOURCE_EXHAUSTED: readQuota,
  INTERNAL: () => backoff('INTERNAL'),
  UNAVAILABLE: readUnavailable,
};

/** HTTP status to outcome, if Google names no status or a front end answers. */
const HTTP_STATUSES: Record<number, (failure: Failure) => FcmOutcome> = {
  401: ({ isGoogles }) => (isGoogles ? renew('HTTP 401') : { ...backoff('HTTP 401'), tokenRefused: true }),
  403: ({ isGoogles }) => (isGoogles ? renew('HTTP 403') : backoff('HTTP 403')),
  404: ({ isGoogles }) => (isGoogles ? renew('HTTP 404') : backoff('HTTP 404')),
  413: () => fail('HTTP 413'),
  429: readQuota,
  503: readUnavailable,
};

/** Reads the result of one `messages:send`; `now` is epoch ms. */
export function readFcmOutcome(result: PushResult, now: number): FcmOutcome {
  const cut = cutAnswer(result);
  if (cut !== undefined) return cut.status < 300 ? readCutSuccess(cut) : readFailed(cut, now);
  if (result.kind !== 'answered') return { verdict: unansweredVerdict(result) };
  return result.status >= 200 && result.status < 300 ? readSuccess(result) : readFailed(result, now);
}

/** FCM answers 200 with the `name` of the message. */
function readSuccess(result: Answered): FcmOutcome {
  const name = parseErrorBody(result.body)?.name;
  if (typeof name === 'string' && /^projects\/[^/]+\/messages\/./.test(name)) return ACCEPTED;
  return isPage(result) ? backoff(`HTTP ${result.status}`) : { verdict: { action: 'ambiguous', reason: UNREADABLE } };
}

/** The body stalled, so the headers tell whether FCM or a front end answered. */
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
    // Unknown FCM code: an UNAUTHENTICATED status still concerns the credential, but the code must not stop a project.
    if (status === 'UNAUTHENTICATED') return renew(errorCode);
    return isPassing(http) ? backoff(errorCode) : http === 429 ? readQuota(failure) : fail(errorCode);
  }
  const read = HTTP_STATUSES[http];
  if (read !== undefined) return read(failure);
  return isPassing(http) || !failure.isGoogles ? backoff(name(failure)) : fail(name(failure));
}

/** Google: remove a device only if the payload is known to be valid. So only the token may be wrong. */
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

/** FCM is overloaded. Only the application that got the answer slows down. */
function readUnavailable(failure: Failure): FcmOutcome {
  return failure.waitMs === undefined ? backoff(name(failure)) : later(failure, 'application');
}

function name({ errorCode, status, http, apple }: Failure): string {
  const word = errorCode || status || `HTTP ${http}`;
  return apple === '' ? word : `${word} ${apple}`;
}

/** Reads a failure of any shape: a missing or malformed part counts as empty. */
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

/** Google's codes are capital letters. Any other text is not recorded. */
function codeWord(value: unknown): string {
  return typeof value === 'string' && /^[A-Z][A-Z_]{1,40}$/.test(value) ? value : '';
}
