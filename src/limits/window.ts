/** Pure rules for the number of requests of a party in a window of time. */

/** The window of every rate, in seconds. */
export const WINDOW_S = 10;
const WINDOW_MS = WINDOW_S * 1_000;
/**
 * Counts are reported to the other processes in lots of the limit divided by this number; the limit may be exceeded by
 * one lot per process.
 */
const LOTS = 100;

/**
 * The requests of one client or application in the current window: this process's, and the last known count of the
 * other processes.
 */
export class Window {
  private endsAt = -Infinity;
  private mine = 0;
  private reported = 0;
  private others = 0;
  /** The sequence number of this party's window. */
  number = 0;

  /** Returns the remaining requests, or the milliseconds until some are available. Counts an allowed request. */
  admit(limit: number, now: number): { left: number; waitMs: number } {
    if (now >= this.endsAt) this.begin(now + WINDOW_MS);
    const used = this.mine + this.others;
    if (used >= limit) return { left: 0, waitMs: this.endsAt - now };
    this.mine++;
    return { left: limit - used - 1, waitMs: 0 };
  }

  isOver(now: number): boolean {
    return now >= this.endsAt;
  }

  resetMs(now: number): number {
    return Math.max(0, this.endsAt - now);
  }

  /** Returns the requests that are counted and not yet reported, if they make up a lot; otherwise 0. */
  takeLot(limit: number): number {
    const lot = this.mine - this.reported;
    if (lot < Math.max(1, Math.floor(limit / LOTS))) return 0;
    this.reported = this.mine;
    return lot;
  }

  /**
   * Sets the count of all processes, as returned for a lot of window `number`, and the end of their window. A late
   * report is ignored.
   */
  learn(number: number, total: number, leftMs: number, now: number): void {
    if (number !== this.number) return;
    this.others = Math.max(0, total - this.reported);
    this.endsAt = Math.min(this.endsAt, now + leftMs);
  }

  private begin(endsAt: number): void {
    this.number++;
    this.endsAt = endsAt;
    this.mine = 0;
    this.reported = 0;
    this.others = 0;
  }
}
