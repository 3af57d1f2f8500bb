import type { Verdict } from './provider.js';

const SHORTEST_MS = 1_000;
const LONGEST_MS = 24 * 60 * 60 * 1_000;

/**
 * Reads a Retry-After header (RFC 9110 §10.2.3: whole seconds or an HTTP date) as milliseconds from `now`, clamped to
 * 1 s to 24 h so that neither a zero nor a nonsense date makes us hammer or forget. Undefined when absent or unreadable.
 */
export function readRetryAfter(value: string | undefined, now: number): number | undefined {
  const text = value?.trim();
  if (!text) return undefined;
  if (/^\d+$/.test(text)) return clampWait(Number(text) * 1_000);
  // Date.parse takes far more than HTTP dates ("1", "-5"): all forms of an HTTP date begin with the name of a day.
  const date = /^[A-Z][a-z]{2,8},? /.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? undefined : clampWait(date - now);
}

/** "Slow down": for as long as the answer says (`waitMs`), else from `afterMs` doubling to `capMs`. */
export function slowDown(
  reason: string,
  scope: 'device' | 'application' | 'host',
  waitMs: number | undefined,
  usual: { afterMs: number; capMs: number },
): Extract<Verdict, { action: 'retryAfter' }> {
  return { action: 'retryAfter', reason, scope, ...(waitMs === undefined ? usual : { afterMs: waitMs }) };
}

/** Holds a wait that a provider asked for within 1 s and 24 h. */
export function clampWait(ms: number): number {
  return Math.min(LONGEST_MS, Math.max(SHORTEST_MS, ms));
}
