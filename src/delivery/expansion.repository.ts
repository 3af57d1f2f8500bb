import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';
import { AudienceRepository } from '../devices/audience.repository.js';
import { BatchRepository } from './batch.repository.js';
import type { QueuedBatch } from './batch.js';
import { BATCH_SIZE, cutBatches } from './batching.js';

/** Ten batches: one transaction of some 20 ms, and at most so many short batches of a rare provider. */
const PAGE = 10 * BATCH_SIZE;

@Injectable()
export class ExpansionRepository {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly audience: AudienceRepository,
    private readonly batches: BatchRepository,
  ) {}

  /**
   * Inserts the next page's batches and moves the cursor, in one transaction. The first page freezes the audience at
   * the highest seq of that moment. `more` is false when the message is expanded,
   * cancelled or paused.
   */
  expandPage(messageSeq: number): Promise<{ promoted: QueuedBatch[]; more: boolean }> {
    return this.database.kysely.transaction().execute(async (transaction) => {
      const row = await transaction
        .selectFrom('message')
        .select(['seq', 'application_id', 'state', 'target', 'expand_cursor', 'expand_max'])
        .where('seq', '=', messageSeq)
        .where('state', 'in', ['accepted', 'expanding'])
        // A pause holds the expansion too, so that a paused message has no batches but parked ones.
        .where(sql<boolean>`(paused_at is null or expires_at <= now())`)
        // Waits: who holds the row is mostly a batch of the message that ends, for less than a millisecond.
        .forUpdate()
        .executeTakeFirst();
      if (!row) return { promoted: [], more: false };
      const applicationId = row.application_id;
      const max = row.expand_max ?? (await this.audience.highestSeq(applicationId, transaction));
      const range = { after: row.expand_cursor, max, limit: PAGE };
      const members = await this.audience.page(applicationId, row.target, range, transaction);
      const batches = cutBatches(members);
      const message = { seq: messageSeq, applicationId, direct: false };
      const promoted = await this.batches.insert(message, batches, transaction);
      const more = members.length === PAGE;
      await transaction
        .updateTable('message')
        .set((update) => ({
          state: more ? ('expanding' as const) : ('sending' as const),
          audience: update('audience', '+', members.length),
          open_batches: update('open_batches', '+', batches.length),
          expand_cursor: members.at(-1)?.seq ?? row.expand_cursor,
          expand_max: max,
        }))
        .where('seq', '=', messageSeq)
        .execute();
      if (!more) await this.batches.settleMessage(messageSeq, transaction);
      return { promoted, more };
    });
  }
}
