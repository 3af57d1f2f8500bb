import { setImmediate as othersTurn } from 'node:timers/promises';

/**
 * A single message needs some six turns of the event loop until its answer, and waits for a slice in each: six of these are
 * shorter than the 50 ms that a request may hold the loop for.
 */
const SLICE_MS = 5;

/** The event loop's time as one long piece of work has it: when its slice is over, others go first. */
export class Turn {
  private began = performance.now();

  get isOver(): boolean {
    return performance.now() - this.began >= SLICE_MS;
  }

  /** Waits until the others had theirs. */
  async pass(): Promise<void> {
    await othersTurn();
    this.began = performance.now();
  }
}
