import { MINUTE_MS } from '../../common/durations.js';
import type { HttpResult } from '../shared/http1-client.js';
import type { Verdict } from '../provider.js';
import { cutAnswer, isPage, isPassing, UNREADABLE } from '../shared/front-end.js';
import { readRetryAfter, slowDown } from '../shared/retry-after.js';
import { isObject, parseErrorBody, unansweredVerdict } from '../shared/unanswered.js';

/** What an answer of Push Kit says of the tokens of one request. */
export interface HmsOutcome {
  /** Of every token that `byToken` does not name; final unless something is tried again. */
  verdict: Verdict;
  /** A partial result: tokens with a verdict of their own. */
  byToken?: ReadonlyMap<string, Verdict>;
  /**
   * What to try first: `renewed` another access token, `normal` the same without urgency, `split` the tokens in halves.
   */
  again?: 'renewed' | 'normal' | 'split';
  /** Huawei failed to check the access token: transient, unless it goes on. */
  suspectAccess?: true;
}

/** A thousand tokens of 256 characters, escaped twice. */
const LARGEST_ANSWER = 512 * 1_024;
const SUCCESS = '80000000';
const PARTIAL = '80100000';
/** Huawei names no wait; docs/protocol/providers.md §11. */
const FLOOR_MS = 10_000;
const CAP_MS = 5 * MINUTE_MS;

const fail = (reason: string): HmsOutcome => ({ verdict: { action: 'fail', reason } });
const stop = (reason: string): HmsOutcome => ({ verdict: { action: 'stopApplication', reason } });
const renew = (reason: string): HmsOutcome => ({ ...stop(reason), again: 'renewed' });
const backoff = (reason: string): HmsOutcome => ({
  verdict: { action: 'retryBackoff', reason, floorMs: FLOOR_MS, capMs: CAP_MS },
});
const later = (reason: string, waitMs: number | undefined): HmsOutcome => ({
  verdict: slowDown(reason, 'application', waitMs, { afterMs: FLOOR_MS, capMs: CAP_MS }),
});

/** `code` to outcome (Huawei: "https-send-api", result codes); the words beside a number are for a person. */
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
  // True of a wrong app too, so a device is given up under guard only.
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

/** Causes in `illegalTokens` of v3 that lie in the token; the others are about the app's rights. */
const TOKEN_CAUSES: ReadonlySet<string> = new Set(['tokenFormatError', 'noRight']);

/** Reads what became of one request; `now` is epoch ms. The HTTP status counts only where there is no `code`. */
export function readHmsOutcome(result: HttpResult, now: number): HmsOutcome {
  const cut = cutAnswer(result);
  // A success is told in the body alone.
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
  // 200 with nothing that says what became of it.
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
    // Huawei's own answers have a code: a front end speaks.
    if (status === 401) return { ...backoff(reason), again: 'renewed' };
    return status === 413 ? fail(reason) : backoff(reason);
  }
  // A number we do not know is no proof against the app.
  return status === 401 ? renew(reason) : fail(reason);
}

/** `msg` of a partial result is JSON in a string: `illegal_tokens` up to v2, `illegalTokens` by cause in v3. */
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
  // Others of the same request were taken, so it is not the credentials.
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
