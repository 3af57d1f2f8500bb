import { setTimeout as delay } from 'node:timers/promises';

/** Lets a few pieces of work in at once; those that wait go round by key, so that one that has many waits for itself. */
export class FairTurns {
  private inside = 0;
  /** The key whose turn is next first. */
  private readonly waiting = new Map<string, (() => void)[]>();

  /** `restAfter`: how long a turn stays taken after work that took so long, both in ms; the work's caller does not wait for it. */
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
