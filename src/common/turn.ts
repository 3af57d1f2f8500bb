import { setImmediate as othersTurn } from 'node:timers/promises';

/** Long enough to be worth the hand-over, and short beside the 50 ms that a request may hold the event loop for. */
const SLICE_MS = 10;

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
