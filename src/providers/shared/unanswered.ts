import { MINUTE_MS } from '../../common/durations.js';
import type { PushResult } from '../../http2/push.js';
import type { Verdict } from '../provider.js';

/** First wait after a request that never reached the peer; the pool has already repeated it. */
const REFUSED_FLOOR_MS = 1_000;
const REFUSED_CAP_MS = MINUTE_MS;

/** The verdict on a request without a whole answer, the same for all providers. */
export function unansweredVerdict(result: Exclude<PushResult, { kind: 'answered' }>): Verdict {
  if (result.kind === 'ambiguous') return { action: 'ambiguous', reason: result.reason };
  return { action: 'retryBackoff', reason: result.reason, floorMs: REFUSED_FLOOR_MS, capMs: REFUSED_CAP_MS };
}

/**
 * Parses the body of a failure. Undefined if it is not a JSON object: front ends answer HTML. A provider's failure has
 * a few hundred bytes, unless it lists tokens.
 */
export function parseErrorBody(body: Buffer, largest = 16_384): Record<string, unknown> | undefined {
  if (body.length === 0 || body.length > largest) return undefined;
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
