import { Logger } from '@nestjs/common';
import { rootCause } from '../../common/errors.js';
import type { ProviderName } from '../../providers/provider.js';
import type { DeliverService } from './deliver.service.js';

/**
 * Batches of one provider's urgent lane that a process sends at once. Most are one request and wait for the provider's
 * answer: at 40 ms, this number gives 6,400 messages a second. Also the most that a crash leaves to other workers.
 */
const AT_ONCE = 256;

/**
 * The urgent lane of one provider. A job ends when its batches are claimed: from then on, their leases protect them,
 * and the next job's batches are claimed while these are sent.
 */
export class UrgentLane {
  private readonly log = new Logger('Delivery');
  private readonly sending = new Set<Promise<void>>();
  private readonly waiting: (() => void)[] = [];
  /** Batches that are claimed or sent. */
  private taken = 0;

  constructor(
    private readonly provider: ProviderName,
    private readonly deliver: Pick<DeliverService, 'begin'>,
  ) {}

  /** Resolves when the batches are claimed or have nothing to do. Rejects as `DeliverService.begin`. */
  async take(ids: readonly number[]): Promise<void> {
    // The rest stays in the queue, which knows rank and fairness.
    while (this.taken >= AT_ONCE) await new Promise<void>((resolve) => this.waiting.push(resolve));
    this.taken += ids.length;
    const begun = await Promise.allSettled(ids.map((id) => this.claimOne(id)));
    for (const result of begun) if (result.status === 'rejected') throw result.reason;
  }

  /** Waits for the batches that are being sent. */
  async settle(): Promise<void> {
    await Promise.all(this.sending);
  }

  private async claimOne(id: number): Promise<void> {
    try {
      const rest = await this.deliver.begin(id, this.provider, 'urgent');
      if (rest) return this.send(id, rest);
    } catch (error) {
      this.leave();
      throw error;
    }
    this.leave();
  }

  private send(id: number, rest: () => Promise<void>): void {
    const sent = rest()
      // The lease runs out, and the sweeper gives the batch to a worker.
      .catch((error: unknown) => this.log.error(`Batch ${id} was not delivered: ${rootCause(error)}`))
      .finally(() => {
        this.sending.delete(sent);
        this.leave();
      });
    this.sending.add(sent);
  }

  private leave(): void {
    this.taken--;
    if (this.taken < AT_ONCE) this.waiting.shift()?.();
  }
}
