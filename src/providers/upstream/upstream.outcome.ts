import { MINUTE_MS } from '../../common/durations.js';
import type { HttpResult } from '../shared/http1-client.js';
import type { Verdict } from '../provider.js';
import { readRetryAfter, slowDown } from '../shared/retry-after.js';
import { parseErrorBody, unansweredVerdict } from '../shared/unanswered.js';

/** Verdict on an answer of the upstream to `POST messages` (docs/protocol/mobilefirst.md §7, §9.5, §9.6). */
export interface UpstreamOutcome {
  /** Final, unless the request is repeated. */
  verdict: Verdict;
  /** The access token was refused: repeat once with another. */
  tokenRefused?: true;
}

type Answered = Extract<HttpResult, { kind: 'answered' }>;

const BUSY_WAITS = { afterMs: 5_000, capMs: 5 * MINUTE_MS };
/** 409 with MFP-Conflict: the runtime's state changed during the request; the vendor's clients repeat it at once. */
const CONFLICT_FIRST_MS = 200;
/** For a 202 that repeats a request of 1 MiB, with room for another encoding. */
export const LARGEST_ANSWER = 4 * 1_048_576;
const ERROR_CODE = /^[A-Z]{3,6}\d{4}[A-Z]$/;

/**
 * A repeated message reaches every phone twice, because nothing behind the upstream replaces the first. So only
 * requests that were certainly not accepted are retried; 500, 502 and 504 count as perhaps accepted. `now` is epoch ms.
 */
export function readUpstreamOutcome(result: HttpResult, now: number): UpstreamOutcome {
  if (result.kind !== 'answered') return { verdict: unansweredVerdict(result) };
  const { status } = result;
  if (status >= 200 && status < 300) return { verdict: readSuccess(result) };
  const scope = scopeAskedFor(result.headers['www-authenticate']);
  if (scope !== undefined) {
    const asked = scope === '' ? 'another scope' : `the scope "${scope}"`;
    return { verdict: stop(`insufficient_scope: the upstream asks for ${asked}; allow it to this client there`) };
  }
  if (status === 401) return { verdict: { action: 'retryBackoff', reason: 'HTTP 401' }, tokenRefused: true };
  return { verdict: readFailure(result, now) };
}

function readSuccess({ status, body }: Answered): Verdict {
  const messageId = parseErrorBody(body, LARGEST_ANSWER)?.messageId;
  const isId = typeof messageId === 'string' && /^[\x21-\x7e]{1,255}$/.test(messageId);
  if (isId) return { action: 'accept', receipt: messageId };
  if (status === 202) return { action: 'accept' };
  // The page of a proxy or a login form also answers 200.
  return { action: 'ambiguous', reason: `HTTP ${status} without a messageId` };
}

function readFailure({ status, headers, body }: Answered, now: number): Verdict {
  const given = parseErrorBody(body)?.code;
  const code = typeof given === 'string' && ERROR_CODE.test(given) ? given : undefined;
  const reason = code === undefined ? `HTTP ${status}` : `HTTP ${status} ${code}`;
  const busy = (scope: 'application' | 'host'): Verdict =>
    slowDown(reason, scope, readRetryAfter(headers['retry-after'], now), BUSY_WAITS);

  if (code === 'FPWSE1007E') return stop(`${reason}: the application is disabled at the upstream`);
  if (status === 429) return busy('application');
  if (status === 503 || code === 'FPWSE0025E') return busy('host');
  if (status === 501 || status === 505) return { action: 'fail', reason };
  if (status >= 500) return { action: 'ambiguous', reason };
  // The server did not act (RFC 9110 §15.5.9, §15.5.20; RFC 8470 §5.2).
  if (status === 408 || status === 421 || status === 425) return { action: 'retryBackoff', reason };
  if (status === 409 && headers['mfp-conflict'] === 'true')
    return { action: 'retryBackoff', reason: `${reason} MFP-Conflict`, firstMs: CONFLICT_FIRST_MS };
  if (status < 400) return stop(`${reason}: the address leads elsewhere; check baseUrl`);
  if (status === 403 && headers['www-authenticate'] !== undefined)
    return stop(`${reason}: the upstream forbids this client to send`);
  // An application server answers this while the push service starts; the push service's own 404 has a code.
  if (status === 404 && code === undefined) return { action: 'retryBackoff', reason };
  return { action: 'fail', reason };
}

/** The missing scope of the answer: '' if the answer names none, undefined if the scope is not the reason. */
function scopeAskedFor(header = ''): string | undefined {
  if (!/error="?insufficient_scope/i.test(header)) return undefined;
  return /\bscope="([\x20-\x21\x23-\x7e]{1,300})/.exec(header)?.[1] ?? '';
}

function stop(reason: string): Verdict {
  return { action: 'stopApplication', reason };
}
