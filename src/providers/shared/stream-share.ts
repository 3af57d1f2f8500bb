/** However few streams there are, each call keeps this many deliveries at hand: a connection that opens finds work. */
const LEAST = 8;
/** What waits beside what is written: enough to refill each stream at once, and to show the pool that another is wanted. */
const WAITING_PER_STREAM = 2;

/**
 * Shares the streams to one peer among the send calls that use them. A delivery handed over waits for about one answer's
 * time at most, whatever that is at this peer: what waits longer cannot be called back, and its time to live runs out.
 */
export class StreamShare {
  private calls = 0;

  /** @param streams how many requests the peer takes at once at this moment; 0 while there is no connection */
  constructor(
    private readonly streams: () => number,
    private readonly most: number,
  ) {}

  /** Deliveries that each call may have outstanding now. */
  each(): number {
    const share = Math.ceil((WAITING_PER_STREAM * this.streams()) / Math.max(1, this.calls));
    return Math.min(this.most, Math.max(LEAST, share));
  }

  async use(call: () => Promise<void>): Promise<void> {
    this.calls++;
    try {
      await call();
    } finally {
      this.calls--;
    }
  }
}
