import { Inject, Injectable } from '@nestjs/common';
import { DATABASE } from '../../database/database.module.js';
import type { Database } from '../../database/database.js';
import { afterCommit, inTransaction } from '../../database/transaction.js';
import type { Tx } from '../../database/transaction.js';
import type { Ramp } from '../../providers/provider.js';
import type { LeasedBatch, PostponedBatch } from '../batch.js';
import { toLeased } from './claim-row.repository.js';
import type { ClaimRow, ClaimTerms } from './claim-row.repository.js';
import { ClaimRepository } from './claim.repository.js';
import { countOutcomes } from './outcome-count.js';
import { rampUp } from './pace.js';
import type { Traffic } from './pace.js';
import { PaceService } from './pace.service.js';
import type { PaceTurn } from './pace.service.js';

const NO_LIMIT: PaceTurn = { limit: Infinity };

/** Claims batches for sending. */
@Injectable()
export class ClaimService {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly claims: ClaimRepository,
    private readonly pace: PaceService,
  ) {}

  /**
   * Leases a due batch and marks the deliveries to send as in flight. Returns null if there is nothing to do: the batch
   * is done, held by another worker, not due, its application was removed, its message is paused, or its provider is
   * paused for the application (then the batch is parked). `takeOver`: also from a worker whose lease has expired.
   * After a step of the clock, an expired lease may belong to a living worker. Returns a postponed batch if its turn at
   * the provider's pace or its message's time comes later.
   */
  claim(id: number, provider: ClaimTerms, now: number, takeOver = true): Promise<LeasedBatch | PostponedBatch | null> {
    return inTransaction(this.database, async (tx) => {
      const row = await this.claims.lockDue(id, now, takeOver, tx);
      if (!row) return null;
      const batch = toLeased(row, provider.needsSettings, now);
      const over = batch.terms.cancelled || now >= batch.terms.expiresAt;
      const isPaused = row.paused_reason !== null || row.paused_at !== null;
      if (isPaused && !over) {
        // The batch may stay parked for days, so deliveries of a lost worker become unknown now instead of staying in
        // flight.
        batch.ledger.settleLost(batch.terms);
        // A batch without a due delivery would use up the test and send nothing, and the next one comes a minute later.
        batch.isProbe =
          row.paused_at === null && batch.ledger.countDue(now) > 0 && (await this.claims.takeTry(row, now, tx));
        if (!batch.isProbe) {
          await this.claims.park(batch, tx);
          afterCommit(tx, () => countOutcomes(batch, now));
          return null;
        }
      }
      const turn = over || batch.isProbe ? NO_LIMIT : await this.takeTurn(row, batch, provider.ramp, tx);
      if ('waitMs' in turn) return this.claims.postpone(row, turn, tx);
      // A random position, so that one device that is refused for its own reasons does not block the probe.
      const anywhere = Math.floor(Math.random() * batch.deviceSeqs.length);
      batch.due.push(...batch.ledger.begin(batch.terms, ...(batch.isProbe ? [1, anywhere] : [turn.limit])));
      await this.claims.lease(batch, tx);
      return batch;
    });
  }

  /** An urgent message alone does not start the ramp: it obeys an existing limit and creates none. */
  private takeTurn(row: ClaimRow, batch: LeasedBatch, ramp: Ramp | undefined, tx: Tx): Promise<PaceTurn> | PaceTurn {
    // Ready before its time: the batch was parked for another reason and released again.
    if ((row.early_ms ?? 0) > 0) return { waitMs: row.early_ms ?? 0, hasSlot: false };
    const { now } = batch.terms;
    const start = row.urgent ? null : rampUp(ramp, trafficOf(row), now);
    if (row.paced !== true && start === null) return NO_LIMIT;
    const { applicationId, provider, urgent } = batch;
    const due = batch.ledger.countDue(now);
    const request = { applicationId, provider, urgent, hasSlot: row.has_slot, due };
    return this.pace.takeTurn(request, start, tx);
  }
}

/** A rate that was proven with other settings may belong to another project of the provider. */
function trafficOf({ last_success_at, version, proven_rate, proven_at, proven_version }: ClaimRow): Traffic {
  const perSecond = proven_version === (version ?? 0) ? (proven_rate ?? 0) : 0;
  return {
    lastSuccessAt: last_success_at?.getTime() ?? null,
    proven: proven_at === null ? null : { perSecond, at: proven_at.getTime() },
  };
}
