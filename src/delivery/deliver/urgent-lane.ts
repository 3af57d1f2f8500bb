import { Logger } from '@nestjs/common';
import { tellFailure } from '../../common/outage.js';
import type { ProviderName } from '../../providers/provider.js';
import type { DeliverService } from './deliver.service.js';

/**
 * Batches of one provider's urgent lane that a process sends at once; one application has at most half of the places
 * that the others leave. Most batches are one request and wait for the provider's answer: at 40 ms, half of this number
 * gives 6,400 messages a second. Also the most that a crash leaves to other workers.
 */
const AT_ONCE = 512;

export interface UrgentBatch {
  id: number;
  /** Empty in jobs of releases before 2026-11-29. */
  applicationId: string;
}

/** The batches of one application. */
interface Share {
  /** Batches that are claimed or sent. */
  taken: number;
  waiting: (() => void)[];
}

/**
 * The urgent lane of one provider. A job ends when its batches are claimed: from then on, their leases protect them,
 * and the next job's batches are claimed while these are sent. If the provider answers an application slowly or not at
 * all, its further batches wait for its share, and those of other applications pass.
 */
export class UrgentLane {
  private readonly log = new Logger('Delivery');
  private readonly sending = new Set<Promise<void>>();
  private readonly shares = new Map<string, Share>();
  /** Batches that are claimed or sent. */
  private taken = 0;
  private stopping = false;

  constructor(
    private readonly provider: ProviderName,
    private readonly deliver: Pick<DeliverService, 'begin'>,
  ) {}

  /** Resolves when the batches are claimed or have nothing to do. Rejects as `DeliverService.begin`. */
  async take(batches: readonly UrgentBatch[]): Promise<void> {
    const begun = await Promise.allSettled(batches.map((batch) => this.claim(batch)));
    for (const result of begun) if (result.status === 'rejected') throw result.reason;
  }

  /** Nothing waits for its share any more: the batches stay ready, and the sweeper queues them for another process. */
  stop(): void {
    this.stopping = true;
    for (const { waiting } of this.shares.values()) for (const resume of waiting.splice(0)) resume();
  }

  /** Waits for the batches that are being sent. */
  async settle(): Promise<void> {
    await Promise.all(this.sending);
  }

  private async claim(batch: UrgentBatch): Promise<void> {
    let share = this.shareOf(batch.applicationId);
    while (!this.stopping && share.taken >= this.limitOf(share)) {
      await new Promise<void>((resolve) => share.waiting.push(resolve));
      share = this.shareOf(batch.applicationId);
    }
    if (this.stopping) return;
    this.taken++;
    share.taken++;
    try {
      const rest = await this.deliver.begin(batch.id, this.provider, 'urgent');
      if (rest) return this.send(batch, share, rest);
    } catch (error) {
      this.leave(batch, share);
      throw error;
    }
    this.leave(batch, share);
  }

  private limitOf(share: Share): number {
    return Math.max(1, Math.floor((AT_ONCE - (this.taken - share.taken)) / 2));
  }

  private send(batch: UrgentBatch, share: Share, rest: () => Promise<void>): void {
    const sent = rest()
      // The lease runs out, and the sweeper gives the batch to a worker.
      .catch((error: unknown) => tellFailure(this.log, `Batch ${batch.id} was not delivered`, error, 'error'))
      .finally(() => {
        this.sending.delete(sent);
        this.leave(batch, share);
      });
    this.sending.add(sent);
  }

  private leave({ applicationId }: UrgentBatch, share: Share): void {
    this.taken--;
    share.taken--;
    // A share with waiting batches has taken ones, so the last of them comes here at the latest.
    const room = Math.max(0, this.limitOf(share) - share.taken);
    for (const resume of share.waiting.splice(0, room)) resume();
    if (share.taken === 0 && share.waiting.length === 0) this.shares.delete(applicationId);
  }

  private shareOf(applicationId: string): Share {
    let share = this.shares.get(applicationId);
    if (!share) this.shares.set(applicationId, (share = { taken: 0, waiting: [] }));
    return share;
  }
}
