import { Injectable, Logger } from '@nestjs/common';
import type { BeforeApplicationShutdown } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { Clock } from '../../common/clock.js';
import { recovered } from '../../common/meters.js';
import { Rounds } from '../../common/rounds.js';
import { DatabaseWatch } from '../../database/database-watch.js';
import { BatchRepository, mayTakeOver } from '../batch.repository.js';
import { DeliveryQueue } from '../delivery.queue.js';
import { LOT, ScheduledRepository } from './scheduled.repository.js';
import { SweepRepository } from './sweep.repository.js';
import type { ParkedBatch } from './sweep.repository.js';

const EVERY_MS = 2_000;
/** Lots of scheduled messages per round: 5,000 messages, so that expired leases do not wait for a larger number. */
const LOTS = 25;

/** Refills the queue from the tables after a lost queue, a killed worker or a failed enqueue. */
@Injectable()
export class Sweeper implements BeforeApplicationShutdown {
  private readonly rounds = new Rounds(new Logger('Sweeper'), 'The sweep', () => this.sweep());
  /** The last parked batch that was looked at. */
  private parked: ParkedBatch | null = null;
  /** Steps of the clock that the waits have followed. Infinite before the first sweep. */
  private steps = Infinity;

  constructor(
    private readonly rows: SweepRepository,
    private readonly scheduled: ScheduledRepository,
    private readonly batches: BatchRepository,
    private readonly queue: DeliveryQueue,
    private readonly watch: DatabaseWatch,
    private readonly clock: Clock,
  ) {}

  @Interval(EVERY_MS)
  tick(): Promise<void> {
    return this.rounds.go();
  }

  async sweep(): Promise<void> {
    if (!this.watch.isTimeKnown) return;
    await this.waitAnew();
    await this.releaseScheduled();
    await this.scheduled.expireAwaiting();
    const messages = await this.rows.messagesToExpand();
    recovered.inc({ kind: 'message' }, messages.length);
    await this.queue.enqueueLate(messages);
    const batches = await this.rows.batchesToDeliver(mayTakeOver(this.watch));
    recovered.inc({ kind: 'batch' }, batches.length);
    await this.queue.enqueueBatches(batches);
    await this.rows.unpark();
    await this.rows.unparkForTry();
    this.parked = await this.rows.unparkOver(this.parked);
    for (const { applicationId, provider } of await this.rows.destinationsWithWaiting())
      await this.queue.enqueueBatches(await this.batches.promote(applicationId, [provider]));
  }

  /** At the first sweep and after each step of the clock, also after steps ahead and back between two sweeps. */
  private async waitAnew(): Promise<void> {
    const steps = this.clock.steps();
    if (steps === this.steps) return;
    for (let found = await this.rows.waitAnew(); found.length > 0; found = await this.rows.waitAnew())
      await this.queue.enqueueBatches(found);
    this.steps = steps;
  }

  private async releaseScheduled(): Promise<void> {
    let lots = 0;
    await this.rounds.repeat(async () => {
      const { messages, toExpand, queued } = await this.scheduled.release();
      await this.queue.enqueueExpansions(toExpand);
      await this.queue.enqueueBatches(queued);
      return messages === LOT && ++lots < LOTS;
    });
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.rounds.end();
  }
}
