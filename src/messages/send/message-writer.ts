import { Injectable } from '@nestjs/common';
import { notFound } from '../../common/errors.js';
import { Gather } from '../../common/gather.js';
import { SQL_STATE, hasSqlState } from '../../common/sql-state.js';
import { resultOf, writeTogether } from '../../database/together.js';
import { DeliveryQueue } from '../../delivery/delivery.queue.js';
import { AcceptanceService } from './acceptance.service.js';
import { isHeldUp } from './new-message.js';
import type { Acceptable } from './new-message.js';

/** Messages of one commit: more would make the first wait for the last. */
const AT_ONCE = 200;

/**
 * Commits messages, then tells the queue. Those that arrive while a commit is under way share the next one: what a
 * message costs the database is mostly the commit.
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

  /** False when the id or the Idempotency-Key is taken. */
  async keep(acceptable: Acceptable): Promise<boolean> {
    if (isHeldUp(acceptable)) return this.writeAlone(acceptable);
    return resultOf(await this.commits.add(acceptable));
  }

  /** All of them, of one application, or none: then false. */
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
      return seq === null || batches !== null || message.sendAt ? [] : [seq];
    });
    // Nobody waits for it: what is committed the sweeper finds, should this fail.
    void this.queue.enqueueExpansions(toExpand);
    void this.queue.enqueueBatches(queued);
    return seqs.map((seq) => seq !== null);
  }
}

/** The application was there when it was looked up, and its removal came to an end before the commit. */
function rethrowRemoval(error: unknown): never {
  const { constraint } = error as { constraint?: unknown };
  if (hasSqlState(error, SQL_STATE.foreignKeyViolation) && constraint === 'message_application_id_fkey')
    throw notFound('application', 'applicationId');
  throw error;
}
