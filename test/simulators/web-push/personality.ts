import type { Answer } from '../shared/provider.js';

/** The error answers of the four services (docs/protocol/providers.md §3.3). */
export const PERSONALITIES = ['mozilla', 'apple', 'google', 'wns'] as const;
export type Personality = (typeof PERSONALITIES)[number];

export type Fault =
  | 'method'
  | 'unknown'
  | 'gone'
  | 'noVapid'
  | 'badVapid'
  | 'keyMismatch'
  | 'badTtl'
  | 'ttlConflict'
  | 'badUrgency'
  | 'badTopic'
  | 'badEncoding'
  | 'badCrypto'
  | 'tooLarge'
  | 'throttled'
  | 'trouble'
  | 'unavailable'
  | 'shutdown';

type Words = readonly [status: number, word: string | number];

/** For Mozilla the errno, for Apple the reason, for Google the text, for Windows the X-WNS-ERROR-DESCRIPTION. */
const SAYS: Readonly<Record<Personality, Readonly<Record<Fault, Words>>>> = {
  mozilla: {
    method: [405, 0],
    unknown: [404, 102],
    gone: [410, 106],
    noVapid: [401, 109],
    badVapid: [401, 109],
    keyMismatch: [401, 109],
    badTtl: [400, 111],
    ttlConflict: [400, 112],
    badUrgency: [400, 0],
    badTopic: [400, 113],
    badEncoding: [400, 101],
    badCrypto: [400, 110],
    tooLarge: [413, 104],
    throttled: [429, 201],
    trouble: [500, 999],
    unavailable: [503, 201],
    shutdown: [503, 202],
  },
  apple: {
    method: [405, 'MethodNotAllowed'],
    unknown: [404, 'BadPath'],
    gone: [410, 'Unregistered'],
    noVapid: [400, 'BadAuthorizationHeader'],
    badVapid: [403, 'BadJwtToken'],
    keyMismatch: [400, 'VapidPkHashMismatch'],
    badTtl: [400, 'BadTtl'],
    ttlConflict: [400, 'BadTtl'],
    badUrgency: [400, 'BadUrgency'],
    badTopic: [400, 'BadWebPushTopic'],
    badEncoding: [400, 'BadWebPushRequest'],
    badCrypto: [400, 'BadWebPushRequest'],
    tooLarge: [413, 'PayloadTooLarge'],
    throttled: [429, 'TooManyRequests'],
    trouble: [500, 'InternalServerError'],
    unavailable: [503, 'ServiceUnavailable'],
    shutdown: [503, 'Shutdown'],
  },
  google: {
    method: [405, 'Method Not Allowed'],
    unknown: [404, 'A valid push subscription endpoint should be specified in the URL.'],
    gone: [410, 'push subscription has unsubscribed or expired.'],
    noVapid: [401, 'authorization header must be specified.'],
    badVapid: [400, 'invalid JWT provided'],
    keyMismatch: [
      403,
      'the VAPID credentials in the authorization header do not correspond to the credentials used to create the subscriptions.',
    ],
    badTtl: [400, 'TTL header must be specified.'],
    ttlConflict: [400, 'TTL header must be specified.'],
    badUrgency: [400, 'Urgency header is invalid.'],
    badTopic: [400, 'Topic header is invalid.'],
    badEncoding: [400, 'Content-Encoding must be aes128gcm.'],
    badCrypto: [400, 'crypto headers are invalid.'],
    tooLarge: [413, 'Payload Too Large'],
    throttled: [429, 'Too Many Requests'],
    trouble: [500, 'Internal Server Error'],
    unavailable: [503, 'Service Unavailable'],
    shutdown: [503, 'Service Unavailable'],
  },
  wns: {
    method: [405, 'Method Not Allowed'],
    unknown: [404, 'Channel not found'],
    gone: [410, 'Channel expired'],
    noVapid: [401, 'Missing authorization'],
    badVapid: [401, 'Invalid JWT'],
    keyMismatch: [403, 'The VAPID key does not belong to the channel'],
    badTtl: [400, 'TTL missing or invalid'],
    ttlConflict: [400, 'TTL conflicts with cache policy'],
    badUrgency: [400, 'Urgency invalid'],
    badTopic: [400, 'Topic invalid'],
    badEncoding: [400, 'Content-Encoding invalid'],
    badCrypto: [400, 'Payload invalid'],
    tooLarge: [413, 'Payload too large'],
    throttled: [406, 'Throttle limit exceeded'],
    trouble: [500, 'Internal error'],
    unavailable: [503, 'Service unavailable'],
    shutdown: [503, 'Service unavailable'],
  },
};
const BY_STATUS: Readonly<Record<number, Fault>> = {
  401: 'badVapid',
  403: 'keyMismatch',
  404: 'unknown',
  406: 'throttled',
  410: 'gone',
  413: 'tooLarge',
  429: 'throttled',
  500: 'trouble',
  503: 'unavailable',
};

/** The answer in the service's own form; `retryAfterSeconds` 0: no header. */
export function faultAnswer(personality: Personality, fault: Fault, retryAfterSeconds: number): Answer {
  const [status, word] = SAYS[personality][fault];
  const slow = fault === 'throttled' || fault === 'unavailable';
  // Apple documents no Retry-After.
  const retry: Record<string, string> =
    slow && retryAfterSeconds > 0 && personality !== 'apple' ? { 'retry-after': `${retryAfterSeconds}` } : {};
  return dress(personality, status, word, retry);
}

/** The answer for a fault rule: the service's usual answer with this status, with `reason` if given. */
export function statusAnswer(
  personality: Personality,
  status: number,
  reason: string | undefined,
  retryAfterSeconds: number,
): Answer {
  const fault = BY_STATUS[status];
  const usual = fault === undefined ? undefined : faultAnswer(personality, fault, retryAfterSeconds);
  if (usual !== undefined && reason === undefined) return { ...usual, status };
  const word = reason ?? 'Error';
  return dress(personality, status, personality === 'mozilla' ? Number(reason ?? 0) : word, usual?.headers ?? {});
}

function dress(
  personality: Personality,
  status: number,
  word: string | number,
  headers: Record<string, string>,
): Answer {
  const json = { ...headers, 'content-type': 'application/json' };
  if (personality === 'mozilla') {
    const body = {
      code: status,
      errno: word,
      error: 'Error',
      message: 'as asked',
      more_info: 'http://autopush.example',
    };
    const gone: Record<string, string> = status === 410 ? { 'cache-control': 'max-age=86400' } : {};
    return { status, headers: { ...json, ...gone }, body: JSON.stringify(body) };
  }
  if (personality === 'apple') return { status, headers: json, body: JSON.stringify({ reason: word }) };
  if (personality === 'google')
    return { status, headers: { ...headers, 'content-type': 'text/plain' }, body: `${word}` };
  const windows = { 'x-wns-status': 'dropped', 'x-wns-error-description': `${word}` };
  return { status, headers: { ...headers, ...windows }, body: '' };
}
