/** The interval of PINGs on an idle connection; APNs recommends an hour. */
const IDLE_PING_MS = 3_600_000;

/**
 * Decides when to send PING and when a connection is dead. Any received byte counts as a sign of life. Times are
 * milliseconds of one clock.
 */
export class Liveness {
  private heard = false;
  private lastHeard: number;
  private askedAt: number | undefined;

  constructor(
    now: number,
    private readonly intervalMs: number,
    private readonly timeoutMs: number,
  ) {
    this.lastHeard = now;
  }

  /** Bytes arrived; the next check takes the time, so that the clock is not read for each chunk. */
  hear(): void {
    this.heard = true;
  }

  /** `ask`: send a PING now; `dead`: the last one was not answered in time. */
  check(now: number, busy: boolean): 'alive' | 'ask' | 'dead' {
    if (this.heard) {
      this.heard = false;
      this.lastHeard = now;
      this.askedAt = undefined;
    }
    if (this.askedAt !== undefined) return now - this.askedAt < this.timeoutMs ? 'alive' : 'dead';
    if (now - this.lastHeard < (busy ? this.intervalMs : IDLE_PING_MS)) return 'alive';
    this.askedAt = now;
    return 'ask';
  }
}
