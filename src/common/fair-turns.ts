import { setTimeout as delay } from 'node:timers/promises';

/** Runs a few pieces of work at once; waiting keys take turns, so that a key with much work delays only itself. */
export class FairTurns {
  private inside = 0;
  /** The queues of waiting work by key; the first key has the next turn. */
  private readonly waiting = new Map<string, (() => void)[]>();

  /**
   * `restAfter`: how long a turn stays taken after work of a duration, both in ms; the caller does not wait for the
   * rest.
   */
  constructor(
    private readonly atOnce: number,
    private readonly restAfter: (tookMs: number) => number = () => 0,
  ) {}

  async take<T>(key: string, work: () => Promise<T>): Promise<T> {
    if (this.inside >= this.atOnce) await new Promise<void>((enter) => this.queue(key, enter));
    else this.inside++;
    const began = performance.now();
    try {
      return await work();
    } finally {
      void this.passOn(this.restAfter(performance.now() - began));
    }
  }

  private async passOn(restMs: number): Promise<void> {
    if (restMs > 0) await delay(restMs, undefined, { ref: false });
    const next = this.next();
    if (next) next();
    else this.inside--;
  }

  private queue(key: string, enter: () => void): void {
    const line = this.waiting.get(key);
    if (line) line.push(enter);
    else this.waiting.set(key, [enter]);
  }

  private next(): (() => void) | undefined {
    const [first] = this.waiting;
    if (!first) return undefined;
    const [key, line] = first;
    const next = line.shift();
    this.waiting.delete(key);
    if (line.length > 0) this.waiting.set(key, line);
    return next;
  }
}
