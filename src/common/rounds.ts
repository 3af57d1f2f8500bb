import type { Logger } from '@nestjs/common';
import { DeadlineError, withDeadline } from './deadline.js';
import { MINUTE_MS } from './durations.js';
import { tellFailure } from './outage.js';

/**
 * For a round, and for each step of `repeat`: its statements have their own, shorter deadlines, so that a longer wait
 * has another cause.
 */
export const STILL_MS = MINUTE_MS;

/** Periodic work: rounds never overlap, none starts after the end, and the next round does the work of a failed one. */
export class Rounds {
  private running: Promise<void> | null = null;
  private steps = 0;
  private ended = false;
  private timer: NodeJS.Timeout | undefined;

  /** `what`: the subject of the log line about a failure. */
  constructor(
    private readonly log: Logger,
    private readonly what: string,
    private readonly work: () => Promise<void>,
    private readonly stillMs = STILL_MS,
  ) {}

  /** Begins a round at each interval until the end, the first one after the first interval. */
  every(ms: number): void {
    if (this.ended) return;
    clearInterval(this.timer);
    this.timer = setInterval(() => void this.go(), ms).unref();
  }

  async go(): Promise<void> {
    if (this.running || this.ended) return;
    this.running = this.work();
    try {
      await this.untilStill(this.running);
    } catch (error) {
      tellFailure(this.log, `${this.what} failed, the next round repeats it`, error);
    } finally {
      this.running = null;
    }
  }

  /** Repeats a step until it finds nothing more, or the end has come. */
  async repeat(step: () => Promise<boolean>): Promise<void> {
    while (!this.ended && (await step())) this.steps++;
  }

  /** Gives up a round without progress: it may never return, and the next round does its work. */
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

  /** Waits for the current step. */
  async end(): Promise<void> {
    this.ended = true;
    clearInterval(this.timer);
    await this.running?.catch(() => undefined);
  }
}
