import { Injectable } from '@nestjs/common';
import { notFound } from '../../common/errors.js';
import { Gather } from '../../common/gather.js';
import { SQL_STATE, hasSqlState } from '../../common/sql-state.js';
import { resultOf, writeTogether } from '../../database/together.js';
import { DeliveryQueue } from '../../delivery/delivery.queue.js';
import { AcceptanceService } from './acceptance.service.js';
import { isHeldUp } from './new-message.js';
import type { Acceptable } from './new-message.js';

/** Messages per commit: with more, the first would wait for the last. */
const AT_ONCE = 200;

/**
 * Commits messages, then tells the queue. Messages that arrive during a commit share the next one, because the commit
 * is most of the cost of a message in the database.
 */
@Injectable()
export class MessageWriter {
  private readonly commits: Gather<Acceptable, PromiseSettledResult<boolean>>;

  constructor(
    private readonly acceptance: AcceptanceService,
    private readonly queue: DeliveryQueue,
  ) {
    const alone = (acceptable: Acceptable) => this.writeAlone(acceptable);
    this.commits = new Gather((list) => writeTogether(list, () => this.write(list), alone), AT_ONCE);
  }

  /** Returns false if the id or the Idempotency-Key is taken. */
  async keep(acceptable: Acceptable): Promise<boolean> {
    if (isHeldUp(acceptable)) return this.writeAlone(acceptable);
    return resultOf(await this.commits.add(acceptable));
  }

  /** All of them, of one application, or none; false then. */
  async keepAll(list: readonly Acceptable[]): Promise<boolean> {
    const kept = await this.write(list, { whole: true }).catch(rethrowRemoval);
    return kept.every(Boolean);
  }

  private async writeAlone(acceptable: Acceptable): Promise<boolean> {
    const [kept = false] = await this.write([acceptable]).catch(rethrowRemoval);
    return kept;
  }

  private async write(list: readonly Acceptable[], how?: { whole: boolean }): Promise<boolean[]> {
    const { seqs, queued } = await this.acceptance.acceptAll(list, how);
    const toExpand = list.flatMap(({ message, batches }, index) => {
      const seq = seqs[index] ?? null;
      return seq === null || batches !== null || message.sendAt || message.awaitsApproval ? [] : [seq];
    });
    // Not awaited: if it fails, the sweeper finds the committed messages.
    void this.queue.enqueueExpansions(toExpand);
    void this.queue.enqueueBatches(queued);
    return seqs.map((seq) => seq !== null);
  }
}

/** The application existed at its look-up, but its removal ended before the commit. */
function rethrowRemoval(error: unknown): never {
  const { constraint } = error as { constraint?: unknown };
  if (hasSqlState(error, SQL_STATE.foreignKeyViolation) && constraint === 'message_application_id_fkey')
    throw notFound('application', 'applicationId');
  throw error;
}
