import type { Verdict } from '../provider.js';

/** Refusals in a row that are believed for credentials that were accepted before. Fewer are a fault of the provider. */
const IN_ROW = 3;
/** Verdicts that show that the provider accepted the credentials. */
const ABOUT_SOMETHING_ELSE: ReadonlySet<Verdict['action']> = new Set(['accept', 'acceptDropped', 'dropDevice', 'fail']);
/** Wait until a delivery that was refused meanwhile is repeated. */
const AGAIN_MS = 5_000;

/**
 * Judges refusals of an application's credentials, after the sender has repeated the request with fresh ones.
 * Credentials that were never accepted count as wrong at the first refusal.
 */
export class Refusals {
  private proven = false;
  private inRow = 0;

  /** `needed`: refusals in a row that are believed, for answers that the provider gives by mistake at times. */
  judge(verdict: Verdict, needed = this.proven ? IN_ROW : 1): Verdict {
    const { action } = verdict;
    if (action === 'accept' || action === 'acceptDropped') this.proven = true;
    if (ABOUT_SOMETHING_ELSE.has(action)) this.inRow = 0;
    if (action !== 'stopApplication') return verdict;
    this.inRow++;
    return this.inRow >= needed ? verdict : { action: 'retryBackoff', reason: verdict.reason, floorMs: AGAIN_MS };
  }
}
