/** A connection that lived less than the interval must have answered this many to be replaced at once. */
const EARNED_ANSWERS = 100;

/** The longest backoff, in intervals. */
const MAX_BACKOFF_INTERVALS = 10;

/**
 * When the next connection may be opened. Services take quick cycles of opening and closing for an attack, so a
 * connection that ended without one answer counts as a failure and doubles the wait, with jitter against herds; one
 * that was of use is replaced at once. Times are milliseconds of one clock.
 */
export class DialPace {
  /** Connections in a row that ended without an answer. */
  failures = 0;
  private notBefore = 0;
  private lastDial = -Infinity;

  /** @param random yields numbers in [0, 1) */
  constructor(
    private readonly intervalMs: number,
    private readonly random: () => number = Math.random,
  ) {}

  /** May a connection be opened when there is none? */
  mayDial(now: number): boolean {
    return now >= this.notBefore;
  }

  /** May one more be opened beside others? */
  mayGrow(now: number): boolean {
    return this.mayDial(now) && now - this.lastDial >= this.intervalMs;
  }

  dialled(now: number): void {
    this.lastDial = now;
  }

  answered(): void {
    this.failures = 0;
  }

  /** A connection takes no more requests. One that was of little use is not replaced before the interval is over. */
  left(openedAt: number, answers: number): void {
    if (answers < EARNED_ANSWERS) this.notBefore = Math.max(this.notBefore, openedAt + this.intervalMs);
  }

  /** A connection ended, or was never made. */
  ended(now: number, openedAt: number, answers: number): void {
    if (answers > 0) return this.left(openedAt, answers);
    this.failures++;
    this.notBefore = Math.max(this.notBefore, now + this.backoff());
  }

  /** A quarter of the interval, doubled with each failure, less up to half of it at random. */
  private backoff(): number {
    const wait = Math.min(MAX_BACKOFF_INTERVALS, 0.25 * 2 ** (this.failures - 1)) * this.intervalMs;
    return wait * (1 - this.random() / 2);
  }
}
