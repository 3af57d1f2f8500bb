/** Pure rules for the number of wrong attempts. Times are of a monotonic clock. */

export interface Allowance {
  /** Attempts at once. */
  burst: number;
  /** One attempt comes back in this time. */
  everyMs: number;
  /** The number of remembered keys. Beyond, the key with the oldest spend is forgotten, and with it its debt. */
  maxKeys: number;
}

/** A bucket per key, stored as the time at which it will be full again (the generic cell rate algorithm). */
export class Throttle {
  /** Milliseconds by key, oldest spend first. */
  private readonly fullAgain = new Map<string, number>();

  constructor(private readonly allowance: Allowance) {}

  get size(): number {
    return this.fullAgain.size;
  }

  /** Milliseconds until an attempt is available; 0: now. */
  waitFor(key: string, now: number): number {
    const { burst, everyMs } = this.allowance;
    return Math.max(0, this.debt(key, now) - (burst - 1) * everyMs);
  }

  spend(key: string, now: number): void {
    const debt = Math.min(this.debt(key, now) + this.allowance.everyMs, this.most);
    this.fullAgain.delete(key);
    this.makeRoom(now);
    this.fullAgain.set(key, now + debt);
  }

  /** Takes one `spend` back. */
  refund(key: string, now: number): void {
    const debt = this.debt(key, now) - this.allowance.everyMs;
    if (debt <= 0) this.fullAgain.delete(key);
    else this.fullAgain.set(key, now + debt);
  }

  /** At most a whole burst: a caller waits for at most one attempt, after any step of the clock. */
  private debt(key: string, now: number): number {
    return Math.min(Math.max(0, (this.fullAgain.get(key) ?? now) - now), this.most);
  }

  private get most(): number {
    return this.allowance.burst * this.allowance.everyMs;
  }

  /** Each new key removes up to two keys without debt, so that the entries of a flood disappear after it. */
  private makeRoom(now: number): void {
    let looked = 0;
    for (const [key, fullAgain] of this.fullAgain) {
      if (fullAgain > now && this.fullAgain.size < this.allowance.maxKeys) return;
      this.fullAgain.delete(key);
      if (++looked === 2) return;
    }
  }
}
