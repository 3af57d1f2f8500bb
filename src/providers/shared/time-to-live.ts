import type { Verdict } from '../provider.js';

/**
 * Adds to a verdict how long the caller lets the message live at this platform (`seconds`, when he says): it is not
 * tried again after that, and one that should come now or never (0) not at all.
 */
export function withLife(verdict: Verdict, seconds: number | undefined): Verdict {
  if (seconds === undefined) return verdict;
  const { action } = verdict;
  const mayComeAgain = action === 'retryBackoff' || action === 'retryAfter' || action === 'ambiguous';
  return mayComeAgain ? { ...verdict, lifeMs: seconds * 1_000 } : verdict;
}
