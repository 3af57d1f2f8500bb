import { MINUTE_MS } from '../../common/durations.js';
import type { HttpResult } from '../shared/http1-client.js';
import type { Verdict } from '../provider.js';
import { cutAnswer, isPage, isPassing, UNREADABLE } from '../shared/front-end.js';
import { readRetryAfter, slowDown } from '../shared/retry-after.js';
import { isObject, parseErrorBody, unansweredVerdict } from '../shared/unanswered.js';

/** How to handle an answer of Push Kit to one request with several tokens. */
export interface HmsOutcome {
  /** For every token that `byToken` does not contain. Final unless `again` is set. */
  verdict: Verdict;
  /** Verdicts of single tokens in a partial result. */
  byToken?: ReadonlyMap<string, Verdict>;
  /** The access token was refused: repeat the request once with another. */
  tokenRefused?: true;
  /** Try this first: `normal` without urgency, `split` with the tokens in halves. */
  again?: 'normal' | 'split';
  /** Huawei could not check the access token: transient, unless it continues. */
  suspectAccess?: true;
}

/** For 1000 tokens of 256 characters, escaped twice. */
const LARGEST_ANSWER = 512 * 1_024;
const SUCCESS = '80000000';
const PARTIAL = '80100000';
/** Huawei documents no wait; see docs/protocol/providers.md §11. */
const FLOOR_MS = 10_000;
const CAP_MS = 5 * MINUTE_MS;

const fail = (reason: string): HmsOutcome => ({ verdict: { action: 'fail', reason } });
const stop = (reason: string): HmsOutcome => ({ verdict: { action: 'stopApplication', reason } });
const renew = (reason: string): HmsOutcome => ({ ...stop(reason), tokenRefused: true });
const backoff = (reason: string): HmsOutcome => ({
  verdict: { action: 'retryBackoff', reason, floorMs: FLOOR_MS, capMs: CAP_MS },
});
const later = (reason: string, waitMs: number | undefined): HmsOutcome => ({
  verdict: slowDown(reason, 'application', waitMs, { afterMs: FLOOR_MS, capMs: CAP_MS }),
});

/** `code` to outcome (Huawei: "https-send-api", result codes). The words beside a code are for operators. */
const CODES: Readonly<Record<string, (waitMs: number | undefined) => HmsOutcome>> = {
  [SUCCESS]: () => ({ verdict: { action: 'accept' } }),
  80100001: () => fail('80100001 parameter'),
  80100003: () => fail('80100003 message structure'),
  80100004: () => fail('80100004 time to live'),
  80100013: () => fail('80100013 collapse key'),
  80100016: () => fail('80100016 sensitive content'),
  80100017: (waitMs) => later('80100017 too many topic tasks', waitMs),
  80100018: () => fail('80100018 message structure'),
  80100022: () => fail('80100022 image'),
  80200001: () => renew('80200001 authentication'),
  80200003: () => renew('80200003 access token expired'),
  80200005: () => renew('80200005 JWT expired'),
  80200006: () => renew('80200006 credential disabled'),
  80300002: () => renew('80300002 no permission'),
  // A wrong app gets the same answer, so the guard decides.
  80300007: () => ({
    verdict: { action: 'dropDevice', reason: '80300007 token invalid', certain: false },
    again: 'split',
  }),
  80300008: () => fail('80300008 too large'),
  80300010: () => fail('80300010 too many tokens'),
  80300011: () => ({ ...fail('80300011 no high priority'), again: 'normal' }),
  80300013: () => fail('80300013 receipt address'),
  80600003: () => ({ ...backoff('80600003 OAuth failure'), suspectAccess: true }),
  81000001: () => backoff('81000001 internal'),
};

/** Causes in `illegalTokens` of v3 that concern the token; the other causes concern the app's rights. */
const TOKEN_CAUSES: ReadonlySet<string> = new Set(['tokenFormatError', 'noRight']);

/** Reads the result of one request; `now` is epoch ms. The HTTP status counts only if there is no `code`. */
export function readHmsOutcome(result: HttpResult, now: number): HmsOutcome {
  const cut = cutAnswer(result);
  // Only the body tells a success.
  if (cut !== undefined && cut.status >= 300)
    return readStatus(cut.status, '', readRetryAfter(cut.headers['retry-after'], now));
  if (result.kind !== 'answered') return { verdict: unansweredVerdict(result) };
  const { status, headers } = result;
  const answer = parseErrorBody(result.body, LARGEST_ANSWER);
  const code = typeof answer?.code === 'string' || typeof answer?.code === 'number' ? String(answer.code) : '';
  const waitMs = readRetryAfter(headers['retry-after'], now);
  if (code === PARTIAL) return readPartial(answer?.msg);
  const known = Object.hasOwn(CODES, code) ? CODES[code]?.(waitMs) : undefined;
  if (known !== undefined) return known;
  const own = /^\d{4,12}$/.test(code) ? code : '';
  // A 200 that does not tell the result.
  if (own === '' && status >= 200 && status < 300 && !isPage(result))
    return { verdict: { action: 'ambiguous', reason: UNREADABLE } };
  return readStatus(status, own, waitMs);
}

function readStatus(status: number, code: string, waitMs: number | undefined): HmsOutcome {
  const reason = code === '' ? `HTTP ${status}` : code;
  // Flow control.
  if (status === 503 || status === 429) return later(reason, waitMs);
  if (isPassing(status)) return backoff(reason);
  if (code === '') {
    // Huawei's answers have a code, so a front end answered.
    if (status === 401) return { ...backoff(reason), tokenRefused: true };
    return status === 413 ? fail(reason) : backoff(reason);
  }
  // An unknown code must not stop the application.
  return status === 401 ? renew(reason) : fail(reason);
}

/** `msg` of a partial result is JSON as text: `illegal_tokens` up to v2, `illegalTokens` by cause in v3. */
function readPartial(msg: unknown): HmsOutcome {
  const detail = typeof msg === 'string' ? parseErrorBody(Buffer.from(msg), LARGEST_ANSWER) : msg;
  const { illegal_tokens: list, illegalTokens: byCause } = isObject(detail) ? detail : {};
  if (!Array.isArray(list) && !isObject(byCause)) {
    return { verdict: { action: 'ambiguous', reason: '80100000 unreadable partial result' } };
  }
  const byToken = new Map<string, Verdict>();
  const note = (tokens: unknown, verdict: Verdict): void => {
    for (const token of Array.isArray(tokens) ? tokens : []) if (typeof token === 'string') byToken.set(token, verdict);
  };
  // Push Kit accepted other tokens of the request, so the credentials are valid.
  note(list, { action: 'dropDevice', reason: '80100000 illegal token', certain: true });
  for (const [cause, tokens] of Object.entries(isObject(byCause) ? byCause : {})) {
    const reason = /^\w{1,50}$/.test(cause) ? `80100000 ${cause}` : '80100000';
    note(
      tokens,
      TOKEN_CAUSES.has(cause) ? { action: 'dropDevice', reason, certain: true } : { action: 'fail', reason },
    );
  }
  return { verdict: { action: 'accept' }, byToken };
}
