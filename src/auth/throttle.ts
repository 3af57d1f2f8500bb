/** How often a caller may be wrong, pure: values and times in, values out. Times are of a clock that never steps. */

export interface Allowance {
  /** Attempts at once. */
  burst: number;
  /** One attempt comes back in this time. */
  everyMs: number;
  /** Keys remembered. Beyond, the one that spent least recently is forgotten, which forgives it its attempts. */
  maxKeys: number;
}

/** A bucket per key, kept as the one time at which it will be full again (the generic cell rate algorithm). */
export class Throttle {
  /** Milliseconds by key, least recently spent first. */
  private readonly fullAgain = new Map<string, number>();

  constructor(private readonly allowance: Allowance) {}

  get size(): number {
    return this.fullAgain.size;
  }

  /** Milliseconds until there is an attempt to spend; 0: now. */
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

  /** Never more than a whole burst: a caller waits for one attempt at most, whatever the clock has done. */
  private debt(key: string, now: number): number {
    return Math.min(Math.max(0, (this.fullAgain.get(key) ?? now) - now), this.most);
  }

  private get most(): number {
    return this.allowance.burst * this.allowance.everyMs;
  }

  /** Two leave for each that comes, as long as they have no debt, so that the debts of a flood fade behind it. */
  private makeRoom(now: number): void {
    let looked = 0;
    for (const [key, fullAgain] of this.fullAgain) {
      if (fullAgain > now && this.fullAgain.size < this.allowance.maxKeys) return;
      this.fullAgain.delete(key);
      if (++looked === 2) return;
    }
  }
}
