import type { Exchange } from './exchange.js';
import { ConnectionError, ErrorCode, MAX_31_BITS } from './frames.js';

/** Streams we reset whose late frames are still ignored; frames later than that are taken for the peer's error. */
const MAX_FORGIVEN = 4096;

/** The open streams of one connection, and what is known of the closed ones (RFC 9113 §5.1). */
export class StreamTable {
  /** Streams above it were not processed, says the peer's last GOAWAY. */
  lastProcessed = MAX_31_BITS;
  private readonly open = new Map<number, Exchange>();
  private readonly forgiven = new Set<number>();
  /** No stream times out before this; a lower bound. */
  private nextExpiry = Infinity;

  get size(): number {
    return this.open.size;
  }

  values(): Iterable<Exchange> {
    return this.open.values();
  }

  /** The order in which to take back: each goes before all that wait. */
  newestFirst(): Exchange[] {
    return [...this.open.values()].reverse();
  }

  add(id: number, exchange: Exchange): void {
    this.open.set(id, exchange);
    if (exchange.deadline < this.nextExpiry) this.nextExpiry = exchange.deadline;
  }

  get(id: number): Exchange | undefined {
    return this.open.get(id);
  }

  delete(id: number): void {
    this.open.delete(id);
  }

  /** We reset this stream: what the peer sent before it knew is no error. */
  forgive(id: number): void {
    this.forgiven.add(id);
    if (this.forgiven.size > MAX_FORGIVEN) this.forgiven.delete(this.forgiven.values().next().value!);
  }

  /**
   * Looks at a frame for a stream that is not open. Throws ConnectionError when no stream below `nextId` had the id,
   * or when an answer goes on after its end.
   */
  checkLate(id: number, nextId: number, what: string): void {
    this.checkUsed(id, nextId, what);
    if (this.forgiven.has(id) || id > this.lastProcessed) return;
    throw new ConnectionError(ErrorCode.STREAM_CLOSED, `${what} on stream ${id}, which has ended`);
  }

  checkUsed(id: number, nextId: number, what: string): void {
    if (id % 2 === 1 && id < nextId) return;
    throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, `${what} on stream ${id}, which was never opened`);
  }

  /** Open streams whose time is up. */
  expired(now: number): Exchange[] {
    if (now < this.nextExpiry) return [];
    const late: Exchange[] = [];
    this.nextExpiry = Infinity;
    for (const exchange of this.open.values()) {
      if (exchange.deadline <= now) late.push(exchange);
      else if (exchange.deadline < this.nextExpiry) this.nextExpiry = exchange.deadline;
    }
    return late;
  }
}
