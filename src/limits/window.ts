/** How many requests a party may make in a window of time, pure: values and times in, values out. */

/** The window of every rate, in seconds. */
export const WINDOW_S = 10;
const WINDOW_MS = WINDOW_S * 1_000;
/** Reported to the other processes in lots of this part of the limit: by so much, times the processes, it may be passed. */
const LOTS = 100;

/** The requests of one client or application in the current window: this process's, and the last known count of the other processes. */
export class Window {
  private endsAt = -Infinity;
  private mine = 0;
  private reported = 0;
  private others = 0;
  /** Which window of this party it is. */
  number = 0;

  /** Requests left, or milliseconds until there are some. Counts the request when it may pass. */
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

  /** Counted here and not told yet, when it is a lot; 0: nothing is to be told. */
  takeLot(limit: number): number {
    const lot = this.mine - this.reported;
    if (lot < Math.max(1, Math.floor(limit / LOTS))) return 0;
    this.reported = this.mine;
    return lot;
  }

  /** What all processes have counted after a lot of window `number` was told, and when theirs ends. A late word is passed over. */
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
