import { Injectable } from '@nestjs/common';
import type { LeasedBatch } from '../batch.js';
import { BatchRepository } from '../batch.repository.js';

/**
 * How soon a worker learns that a message or an application was stopped by another process. One query by primary keys
 * covers all batches in sending. PostgreSQL's notifications would need a session of their own, which a pooler does not
 * give, and this query as a fallback.
 */
const LOOK_EVERY_MS = 200;

/** The batches that this process is sending; recalls their unwritten deliveries. */
@Injectable()
export class Recall {
  private readonly sending = new Map<AbortController, LeasedBatch>();
  private timer: NodeJS.Timeout | undefined;
  private looking = false;
  private stopped = false;

  constructor(private readonly batches: BatchRepository) {}

  /** The signal for a batch that is about to be sent. Call `leave` after the send. */
  enter(batch: LeasedBatch): AbortController {
    const abort = new AbortController();
    if (this.stopped) abort.abort();
    this.sending.set(abort, batch);
    this.timer ??= setInterval(() => void this.look(), LOOK_EVERY_MS);
    return abort;
  }

  leave(abort: AbortController): void {
    this.sending.delete(abort);
    if (this.sending.size > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }

  /** Recalls everything, now and from now on. */
  stop(): void {
    this.stopped = true;
    for (const abort of this.sending.keys()) abort.abort();
  }

  private async look(): Promise<void> {
    if (this.looking) return;
    this.looking = true;
    try {
      const seqs = new Set([...this.sending.values()].map(({ messageSeq }) => messageSeq));
      const stopped = new Set(await this.batches.findStopped([...seqs]));
      for (const [abort, { messageSeq }] of this.sending) if (stopped.has(messageSeq)) abort.abort();
    } catch {
      // The database is unreachable; the checkpoints log it, and the next query comes soon.
    } finally {
      this.looking = false;
    }
  }
}
