import type { Exchange } from './exchange.js';

/** Requests that wait for a stream, oldest first; those that a peer handed back stand before the others. */
export class RequestQueue {
  private items: (Exchange | undefined)[] = [];
  private head = 0;
  /** Nobody's time is up before this; a lower bound. */
  private nextExpiry = Infinity;

  get size(): number {
    return this.items.length - this.head;
  }

  push(exchange: Exchange): void {
    this.items.push(exchange);
    if (exchange.deadline < this.nextExpiry) this.nextExpiry = exchange.deadline;
  }

  /** The front is rarely put back to, so it may cost a copy when nothing was taken before. */
  putBack(exchange: Exchange): void {
    if (this.head > 0) this.items[--this.head] = exchange;
    else this.items.unshift(exchange);
    if (exchange.deadline < this.nextExpiry) this.nextExpiry = exchange.deadline;
  }

  /** The oldest, left where it is. */
  peek(): Exchange | undefined {
    return this.items[this.head];
  }

  shift(): Exchange | undefined {
    const exchange = this.items[this.head];
    if (exchange === undefined) return undefined;
    this.items[this.head++] = undefined;
    // The taken half is cut off now and then: constant cost per request, and no memory held.
    if (this.head >= 1024 && this.head * 2 >= this.items.length) {
      this.items = this.items.slice(this.head);
      this.head = 0;
    }
    return exchange;
  }

  /** Takes out everything. */
  drain(): Exchange[] {
    const all = this.waiting();
    this.items = [];
    this.head = 0;
    this.nextExpiry = Infinity;
    return all;
  }

  /** Takes out those whose deadline has passed. */
  takeExpired(now: number): Exchange[] {
    if (now < this.nextExpiry) return [];
    const all = this.drain();
    for (const exchange of all) if (exchange.deadline > now) this.push(exchange);
    return all.filter((exchange) => exchange.deadline <= now);
  }

  private waiting(): Exchange[] {
    return this.items.slice(this.head) as Exchange[];
  }
}
