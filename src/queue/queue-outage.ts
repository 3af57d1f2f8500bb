import { Logger } from '@nestjs/common';
import { SECOND_MS } from '../common/durations.js';
import { rootCause } from '../common/errors.js';
import { Outage, databaseOutage, tellFailure } from '../common/outage.js';
import { JobFailure } from './steady-worker.js';

/** While the queue is away, it is asked at this interval. */
const ASK_EVERY_MS = 2 * SECOND_MS;

/**
 * Tells of errors of the queue. Connections, queues and workers report them, each many times; if the queue does not
 * take writes then, they are one outage.
 */
export class QueueOutage {
  private readonly log = new Logger('Queue');
  private readonly outage: Outage;
  private asking: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    isInDatabase: boolean,
    private readonly ping: () => Promise<void>,
  ) {
    const words = { begins: 'The queue cannot be used', ends: 'The queue can be used again' };
    this.outage = isInDatabase ? databaseOutage : new Outage(this.log, words, () => clearInterval(this.timer));
  }

  note(trouble: Error): void {
    if (trouble instanceof JobFailure) return tellFailure(this.log, 'A job failed', trouble.cause);
    if (this.outage.isOpen) return this.outage.failed(trouble);
    this.asking ??= this.ask(trouble).finally(() => (this.asking = undefined));
  }

  private async ask(error: Error): Promise<void> {
    try {
      await this.ping();
      this.log.warn(rootCause(error));
    } catch {
      this.outage.failed(error);
      clearInterval(this.timer);
      this.timer = setInterval(() => void this.askAgain(), ASK_EVERY_MS).unref();
    }
  }

  private async askAgain(): Promise<void> {
    try {
      await this.ping();
      this.outage.worked();
    } catch (error) {
      this.outage.failed(error);
    }
  }
}
