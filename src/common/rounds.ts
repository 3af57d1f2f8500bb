import type { Logger } from '@nestjs/common';
import { DeadlineError, withDeadline } from './deadline.js';
import { MINUTE_MS } from './durations.js';
import { rootCause } from './errors.js';

/** Of a round, and of each step of `repeat`: its statements have deadlines of their own, so that it waits for something else. */
export const STILL_MS = MINUTE_MS;

/** Work that comes round: one round at a time, none after the end, and what a failed one left is the next one's. */
export class Rounds {
  private running: Promise<void> | null = null;
  private steps = 0;
  private ended = false;

  /** `what` begins the sentence that tells of a failure. */
  constructor(
    private readonly log: Logger,
    private readonly what: string,
    private readonly work: () => Promise<void>,
    private readonly stillMs = STILL_MS,
  ) {}

  async go(): Promise<void> {
    if (this.running || this.ended) return;
    this.running = this.work();
    try {
      await this.untilStill(this.running);
    } catch (error) {
      this.log.warn(`${this.what} failed, the next one will do it: ${rootCause(error)}`);
    } finally {
      this.running = null;
    }
  }

  /** Until a step finds nothing more, or the end has come. */
  async repeat(step: () => Promise<boolean>): Promise<void> {
    while (!this.ended && (await step())) this.steps++;
  }

  /** Gives a round up in which nothing has moved for long: it may never come back, and the next does what it left. */
  private async untilStill(round: Promise<void>): Promise<void> {
    for (;;) {
      const { steps } = this;
      try {
        return await withDeadline(this.what, this.stillMs, round);
      } catch (error) {
        if (!(error instanceof DeadlineError) || this.steps === steps) throw error;
      }
    }
  }

  /** Waits for the step that is under way. */
  async end(): Promise<void> {
    this.ended = true;
    await this.running?.catch(() => undefined);
  }
}
