import type { Exchange } from './exchange.js';

/** Requests that wait for a stream: urgent ones first, then by age. */
export class RequestQueue {
  private readonly urgent = new Line();
  private readonly others = new Line();

  get size(): number {
    return this.urgent.size + this.others.size;
  }

  push(exchange: Exchange): void {
    this.lineOf(exchange).push(exchange);
  }

  /** Puts a request that a peer returned before its equals. */
  putBack(exchange: Exchange): void {
    this.lineOf(exchange).putBack(exchange);
  }

  /** The next request, which stays in the queue. */
  peek(): Exchange | undefined {
    return this.urgent.peek() ?? this.others.peek();
  }

  shift(): Exchange | undefined {
    return this.urgent.shift() ?? this.others.shift();
  }

  /** Takes out all requests. */
  drain(): Exchange[] {
    return [...this.urgent.drain(), ...this.others.drain()];
  }

  /** Takes out the requests whose deadline has passed. */
  takeExpired(now: number): Exchange[] {
    return [...this.urgent.takeExpired(now), ...this.others.takeExpired(now)];
  }

  /** Takes out the requests of one caller. */
  takeOut(signal: AbortSignal): Exchange[] {
    return [...this.urgent.takeOut(signal), ...this.others.takeOut(signal)];
  }

  private lineOf(exchange: Exchange): Line {
    return exchange.request.urgent === true ? this.urgent : this.others;
  }
}

/** First in, first out; requests can be put back to the front. */
class Line {
  private items: (Exchange | undefined)[] = [];
  private head = 0;
  /** A lower bound of all deadlines. */
  private nextExpiry = Infinity;

  get size(): number {
    return this.items.length - this.head;
  }

  push(exchange: Exchange): void {
    this.items.push(exchange);
    if (exchange.deadline < this.nextExpiry) this.nextExpiry = exchange.deadline;
  }

  /** Requests are rarely put back, so this may copy the array if none was taken before. */
  putBack(exchange: Exchange): void {
    if (this.head > 0) this.items[--this.head] = exchange;
    else this.items.unshift(exchange);
    if (exchange.deadline < this.nextExpiry) this.nextExpiry = exchange.deadline;
  }

  peek(): Exchange | undefined {
    return this.items[this.head];
  }

  shift(): Exchange | undefined {
    const exchange = this.items[this.head];
    if (exchange === undefined) return undefined;
    this.items[this.head++] = undefined;
    // The taken half is cut off now and then: constant cost per request, and no memory leak.
    if (this.head >= 1024 && this.head * 2 >= this.items.length) {
      this.items = this.items.slice(this.head);
      this.head = 0;
    }
    return exchange;
  }

  drain(): Exchange[] {
    const all = this.waiting();
    this.items = [];
    this.head = 0;
    this.nextExpiry = Infinity;
    return all;
  }

  takeExpired(now: number): Exchange[] {
    if (now < this.nextExpiry) return [];
    return this.takeWhere((exchange) => exchange.deadline <= now);
  }

  takeOut(signal: AbortSignal): Exchange[] {
    return this.takeWhere((exchange) => exchange.request.signal === signal);
  }

  private takeWhere(leaves: (exchange: Exchange) => boolean): Exchange[] {
    const all = this.drain();
    for (const exchange of all) if (!leaves(exchange)) this.push(exchange);
    return all.filter(leaves);
  }

  private waiting(): Exchange[] {
    return this.items.slice(this.head) as Exchange[];
  }
}
