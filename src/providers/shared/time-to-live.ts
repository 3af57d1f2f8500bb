import type { Verdict } from '../provider.js';

/**
 * Adds the caller's time to live on this platform (`seconds`, if given) to a verdict. Afterwards the delivery is not
 * retried; with 0 ("now or never") it is never retried.
 */
export function withLife(verdict: Verdict, seconds: number | undefined): Verdict {
  if (seconds === undefined) return verdict;
  const { action } = verdict;
  const mayComeAgain = action === 'retryBackoff' || action === 'retryAfter' || action === 'ambiguous';
  return mayComeAgain ? { ...verdict, lifeMs: seconds * 1_000 } : verdict;
}
