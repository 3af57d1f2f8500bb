import { Inject, Injectable } from '@nestjs/common';
import { wallClock } from '../../common/clock.js';
import { DATABASE } from '../../database/database.module.js';
import type { Database } from '../../database/database.js';
import { inTransaction } from '../../database/transaction.js';
import type { Tx } from '../../database/transaction.js';
import type { Destination } from '../batch.js';
import { durationOf, rateAt, cutPace, turnSize } from './pace.js';
import type { Pace } from './pace.js';
import { PaceRepository } from './pace.repository.js';

/** A batch that asks for its turn. */
export interface TurnRequest extends Destination {
  urgent: boolean;
  /** True if the batch has waited for a turn that was reserved for it. */
  hasSlot: boolean;
  /** Number of deliveries to write. */
  due: number;
}

/** A turn now for this many deliveries, or the wait before asking again. `hasSlot`: the turn is reserved. */
export type PaceTurn = { limit: number } | { waitMs: number; hasSlot: boolean };

/** A turn that comes sooner is not waited for in the table. */
const AT_ONCE_MS = 50;

/** Gives batches their turns, and slows a provider down. */
@Injectable()
export class PaceService {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly pace: PaceRepository,
  ) {}

  /**
   * Takes a turn within the claim's transaction, so that a failed claim takes none. `start`: the pace to begin with if
   * there is none. Urgent batches are counted, but wait only if the provider named a time.
   */
  async takeTurn(request: TurnRequest, start: Pace | null, tx: Tx): Promise<PaceTurn> {
    const held = await this.pace.lock(request, start, tx);
    if (!held) return { limit: Infinity };
    if (held.blockedUntil > held.now) return { waitMs: held.blockedUntil - held.now, hasSlot: false };
    const pace = rateAt(held.pace, held.now) === null ? start : held.pace;
    const rate = rateAt(pace, held.now);
    if (pace === null || rate === null) return { limit: Infinity };
    const count = request.urgent ? request.due : Math.min(request.due, turnSize(rate));
    if (request.hasSlot) return { limit: count };
    const at = Math.max(held.now, held.slotAt);
    await this.pace.update(request, pace, { slotAt: at + durationOf(count, rate) }, tx);
    const waitMs = at - held.now;
    return request.urgent || waitMs <= AT_ONCE_MS ? { limit: count } : { waitMs, hasSlot: true };
  }

  /**
   * The provider asked for less: sends nothing until `untilMs` (epoch ms by this process' view of the database's
   * clock), and afterwards less than all processes together sent. `ownRate`: deliveries per second of this batch, if no
   * process has reported a rate yet.
   */
  async slowDown(lot: Destination, untilMs: number, ownRate: number): Promise<void> {
    const waitMs = untilMs - wallClock();
    await inTransaction(this.database, async (tx) => {
      const blockedUntil = (await this.pace.now(tx)) + waitMs;
      const observed = Math.max(ownRate, await this.pace.reportedRate(lot, tx));
      const held = await this.pace.lock(lot, cutPace(null, observed, blockedUntil), tx);
      if (!held) return;
      const until = Math.max(held.blockedUntil, blockedUntil);
      const cut = cutPace(held.pace, observed, held.now);
      await this.pace.update(lot, cut, { slotAt: until, blockedUntil: until }, tx);
      await this.pace.lowerProof(lot, cut.perSecond, tx);
    });
  }
}
