import type { Exchange } from './exchange.js';
import { ConnectionError, ErrorCode, MAX_31_BITS } from './frames.js';

/** The number of reset streams whose late frames are ignored; later frames are the peer's error. */
const MAX_FORGIVEN = 4096;

/** The open streams of one connection, and the reset ones (RFC 9113 §5.1). */
export class StreamTable {
  /** The last id of the peer's GOAWAY: streams above it were not processed. */
  lastProcessed = MAX_31_BITS;
  private readonly open = new Map<number, Exchange>();
  private readonly forgiven = new Set<number>();
  /** A lower bound of all deadlines. */
  private nextExpiry = Infinity;

  get size(): number {
    return this.open.size;
  }

  values(): Iterable<Exchange> {
    return this.open.values();
  }

  /** The order for putting requests back: each is put before all waiting ones. */
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

  /** We reset this stream: frames that the peer sent before it knew are not an error. */
  forgive(id: number): void {
    this.forgiven.add(id);
    if (this.forgiven.size > MAX_FORGIVEN) this.forgiven.delete(this.forgiven.values().next().value!);
  }

  /**
   * Checks a frame for a stream that is not open. Throws ConnectionError if the id was never used, or if an answer
   * continues after its end.
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

  /** Open streams whose deadline has passed. */
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
