import type { Logger } from '@nestjs/common';
import { rootCause } from './errors.js';

/** Work that comes round: one round at a time, none after the end, and what a failed one left is the next one's. */
export class Rounds {
  private running: Promise<void> | null = null;
  private ended = false;

  /** `what` begins the sentence that tells of a failure. */
  constructor(
    private readonly log: Logger,
    private readonly what: string,
    private readonly work: () => Promise<void>,
  ) {}

  async go(): Promise<void> {
    if (this.running || this.ended) return;
    this.running = this.work();
    try {
      await this.running;
    } catch (error) {
      this.log.warn(`${this.what} failed, the next one will do it: ${rootCause(error)}`);
    } finally {
      this.running = null;
    }
  }

  /** Until a step finds nothing more, or the end has come. */
  async repeat(step: () => Promise<boolean>): Promise<void> {
    while (!this.ended && (await step()));
  }

  /** Waits for the step that is under way. */
  async end(): Promise<void> {
    this.ended = true;
    await this.running?.catch(() => undefined);
  }
}
