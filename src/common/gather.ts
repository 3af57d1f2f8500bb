import { setImmediate as endOfTurn } from 'node:timers/promises';
import { withDeadline } from './deadline.js';

/**
 * Longer than the wait for a lost connection (database/connection.ts). After this time the items of the run are
 * rejected and the next run starts.
 */
export const RUN_MS = 22_000;

interface Waiting<T, R> {
  item: T;
  resolve: (result: R) => void;
  reject: (error: unknown) => void;
}

/**
 * Calls of one turn of the event loop share one run, and calls during that run share the next: one statement for many
 * requests, and a call waits for at most two statements. Without the wait for the turn's end the first of sixty
 * concurrent requests would have a statement of its own. A call is never answered by a run that began before it.
 */
export class Gather<T, R> {
  private waiting: Waiting<T, R>[] = [];
  private running = false;

  /** `run` returns one result per item, in order; its error rejects all items. It is given up after `runMs`. */
  constructor(
    private readonly run: (items: readonly T[]) => Promise<readonly R[]>,
    private readonly most: number,
    private readonly runMs = RUN_MS,
  ) {}

  add(item: T): Promise<R> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ item, resolve, reject });
      if (!this.running) void this.drain();
    });
  }

  private async drain(): Promise<void> {
    this.running = true;
    while (this.waiting.length > 0) {
      await endOfTurn();
      const group = this.waiting.splice(0, this.most);
      try {
        const results = await withDeadline('The database', this.runMs, this.run(group.map(({ item }) => item)));
        for (const [index, { resolve }] of group.entries()) resolve(results[index] as R);
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    this.running = false;
  }
}
