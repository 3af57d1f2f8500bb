/**
 * The guard on mass invalidation (protocol/providers.md, top). A wrong environment, topic or key makes healthy tokens
 * look dead, so a "suspect" rejection retires a device only while enough other sends of the same application at the
 * same provider are accepted; and when suspects prevail, the application is paused.
 */
const WINDOW = 500;
/** Real churn is a few per cent; above this share the credentials are what is wrong. */
const MAX_SUSPECT_SHARE = 0.25;
/** Fewer than this prove nothing about the credentials. */
const MIN_SUSPECTS = 20;

export class InvalidationGuard {
  /** The last results, oldest first: true for suspect, false for accepted. */
  private results: boolean[] = [];

  note(accepted: number, suspects: number): void {
    // Mixed evenly, because a batch's results come in no order that means anything.
    const total = accepted + suspects;
    for (let index = 0; index < total; index++)
      this.results.push(Math.floor(((index + 1) * suspects) / total) > Math.floor((index * suspects) / total));
    this.results = this.results.slice(-WINDOW);
  }

  /** True when suspect rejections may be believed. */
  mayRetire(): boolean {
    return this.suspects() <= MAX_SUSPECT_SHARE * this.results.length;
  }

  /** True when the credentials must be taken for wrong. */
  mustPause(): boolean {
    return this.suspects() >= MIN_SUSPECTS && !this.mayRetire();
  }

  private suspects(): number {
    return this.results.filter(Boolean).length;
  }
}
