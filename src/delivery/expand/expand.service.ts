import { Injectable } from '@nestjs/common';
import { DeliveryQueue } from '../delivery.queue.js';
import { ExpansionRepository } from './expansion.repository.js';

/** Turns an accepted message's target into batches, page by page; killed anywhere, it continues from its cursor. */
@Injectable()
export class ExpandService {
  private stopped = false;

  constructor(
    private readonly expansions: ExpansionRepository,
    private readonly queue: DeliveryQueue,
  ) {}

  async expandMessage(messageSeq: number): Promise<void> {
    let more = true;
    while (more && !this.stopped) {
      const page = await this.expansions.expandPage(messageSeq);
      await this.queue.enqueueBatches(page.promoted);
      more = page.more;
    }
  }

  /** Ends after the page at hand. */
  stop(): void {
    this.stopped = true;
  }
}
