import type { Verdict } from '../provider.js';

/** Refusals in a row that are believed of credentials that were accepted before: a few alone are trouble at the provider's. */
const IN_ROW = 3;
/** The provider looked past the credentials. */
const ABOUT_SOMETHING_ELSE: ReadonlySet<Verdict['action']> = new Set(['accept', 'acceptDropped', 'dropDevice', 'fail']);
/** Between the tries of a delivery that was refused meanwhile. */
const AGAIN_MS = 5_000;

/**
 * Judges what a provider says against an application's credentials, after the sender has repeated the request on fresh
 * ones. Credentials that were never accepted are believed to be wrong at once.
 */
export class Refusals {
  private proven = false;
  private inRow = 0;

  /** `needed`: refusals in a row that are believed, where the provider is known to be wrong at times. */
  judge(verdict: Verdict, needed = this.proven ? IN_ROW : 1): Verdict {
    const { action } = verdict;
    if (action === 'accept' || action === 'acceptDropped') this.proven = true;
    if (ABOUT_SOMETHING_ELSE.has(action)) this.inRow = 0;
    if (action !== 'stopApplication') return verdict;
    this.inRow++;
    return this.inRow >= needed ? verdict : { action: 'retryBackoff', reason: verdict.reason, floorMs: AGAIN_MS };
  }
}
