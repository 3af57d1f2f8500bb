/** A connection that lived less than the interval is replaced at once only after this many answers. */
const EARNED_ANSWERS = 100;

/** The longest backoff, in intervals. */
const MAX_BACKOFF_INTERVALS = 10;

/**
 * Decides when the next connection may be opened. Services treat quick cycles of opening and closing as an attack, so a
 * connection that ended without an answer counts as a failure and doubles the wait, with jitter against simultaneous
 * retries; a connection with enough answers is replaced at once. Times are milliseconds of one clock.
 */
export class DialPace {
  /** Consecutive connections without an answer. */
  failures = 0;
  private notBefore = 0;
  private lastDial = -Infinity;

  /** @param random yields numbers in [0, 1) */
  constructor(
    private readonly intervalMs: number,
    private readonly random: () => number = Math.random,
  ) {}

  /** Whether a connection may be opened if there is none. */
  mayDial(now: number): boolean {
    return now >= this.notBefore;
  }

  /** Whether another connection may be opened besides the existing ones. */
  mayGrow(now: number): boolean {
    return this.mayDial(now) && now - this.lastDial >= this.intervalMs;
  }

  dialled(now: number): void {
    this.lastDial = now;
  }

  answered(): void {
    this.failures = 0;
  }

  /** A connection accepts no more requests. If it had few answers it is not replaced before the interval is over. */
  left(openedAt: number, answers: number): void {
    if (answers < EARNED_ANSWERS) this.notBefore = Math.max(this.notBefore, openedAt + this.intervalMs);
  }

  /** A connection ended, or could not be opened. */
  ended(now: number, openedAt: number, answers: number): void {
    if (answers > 0) return this.left(openedAt, answers);
    this.failures++;
    this.notBefore = Math.max(this.notBefore, now + this.backoff());
  }

  /** A quarter of the interval, doubled with each failure, minus up to half of the result at random. */
  private backoff(): number {
    const wait = Math.min(MAX_BACKOFF_INTERVALS, 0.25 * 2 ** (this.failures - 1)) * this.intervalMs;
    return wait * (1 - this.random() / 2);
  }
}
