/** In place of applications beyond the limit. */
export const OTHER = 'other';

/** Applications that were removed, of which a late count may still come. */
const GONE = 10_000;

/**
 * The values of the label `app`: registered applications, the oldest first, up to METRICS_APPLICATIONS. The list comes
 * from the database (metrics/figures.service.ts), so that all processes name the same.
 */
export class ApplicationLabels {
  private listed: ReadonlySet<string> = new Set();
  /** Counted since the list was read, and before that: a list that is read later has them, unless they are gone. */
  private fresh = new Set<string>();
  private older = new Set<string>();
  private gone = new Set<string>();
  /** METRICS_APPLICATIONS. */
  most = Infinity;

  /** Takes a list that was read after the last one. Returns the applications whose series end. */
  renew(registered: readonly string[]): string[] {
    const now = new Set(registered);
    const ended = [...this.listed, ...this.older].filter((id) => !now.has(id));
    this.listed = now;
    this.older = new Set([...this.fresh].filter((id) => !now.has(id)));
    this.fresh = new Set();
    this.gone = new Set([...this.gone, ...ended].slice(-GONE).filter((id) => !now.has(id)));
    return ended;
  }

  /** Null: the application was removed. A new application is not yet in the list. */
  of(applicationId: string): string | null {
    if (this.listed.has(applicationId) || this.fresh.has(applicationId) || this.older.has(applicationId))
      return applicationId;
    if (this.listed.size + this.fresh.size + this.older.size >= this.most) return OTHER;
    if (this.gone.has(applicationId)) return null;
    this.fresh.add(applicationId);
    return applicationId;
  }
}
