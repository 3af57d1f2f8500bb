/** Minimum per call, however few streams there are, so that a new connection has work at once. */
const LEAST = 8;
/**
 * Deliveries that wait per stream: enough to refill each stream at once and to show the pool that it needs another
 * connection.
 */
const WAITING_PER_STREAM = 2;

/**
 * Shares the streams to one peer among the send calls. A delivery that was handed over waits for about one answer's
 * time at most: a longer wait cannot be cancelled, and the message's time to live runs out.
 */
export class StreamShare {
  private calls = 0;

  /** @param streams how many requests the peer accepts at once now; 0 without a connection */
  constructor(
    private readonly streams: () => number,
    private readonly most: number,
  ) {}

  /** Deliveries that each call may have open now. */
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
