import { setImmediate as endOfTurn } from 'node:timers/promises';
import { withDeadline } from './deadline.js';

/** Longer than a lost connection is waited for (database/connection.ts): then those in the run are told, and the next goes on. */
export const RUN_MS = 22_000;

interface Waiting<T, R> {
  item: T;
  resolve: (result: R) => void;
  reject: (error: unknown) => void;
}

/**
 * Calls of one turn of the event loop share one run, and those that arrive while it is under way the next: one statement for
 * many requests, and nobody waits for longer than two of them. Without the turn the first of sixty requests that come
 * together would have a statement of its own, and the others would wait for it. What was asked before a run began is never
 * answered from an earlier one.
 */
export class Gather<T, R> {
  private waiting: Waiting<T, R>[] = [];
  private running = false;

  /** `run` answers one result for each item, in order; its failure is everybody's. After `runMs` it is given up. */
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
