import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { Transaction } from 'kysely';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';
import type { Tables, Target } from '../database/tables.js';
import { AudienceRepository } from '../devices/audience.repository.js';
import type { AudienceMember } from '../devices/audience.repository.js';
import { BatchRepository } from './batch.repository.js';
import type { QueuedBatch } from './batch.js';
import { BATCH_SIZE, cutBatches } from './batching.js';
import { ResendRepository } from './resend.repository.js';

/** Ten batches: one transaction of some 20 ms, and at most so many short batches of a rare provider. */
const PAGE = 10 * BATCH_SIZE;

interface Expanding {
  application_id: string;
  target: Target;
  expand_cursor: number;
  expand_max: number | null;
  resend_of: string | null;
  resend_outcomes: number[] | null;
}

@Injectable()
export class ExpansionRepository {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly audience: AudienceRepository,
    private readonly batches: BatchRepository,
    private readonly resends: ResendRepository,
  ) {}

  /**
   * Inserts the next page's batches and moves the cursor, in one transaction. The first page freezes the audience at
   * the highest seq of that moment. `more` is false when the message is expanded,
   * cancelled or paused, or its application was removed.
   */
  expandPage(messageSeq: number): Promise<{ promoted: QueuedBatch[]; more: boolean }> {
    return this.database.kysely.transaction().execute(async (transaction) => {
      const row = await transaction
        .selectFrom('message')
        .select(['application_id', 'direct', 'target', 'expand_cursor', 'expand_max', 'resend_of', 'resend_outcomes'])
        .where('seq', '=', messageSeq)
        .where('state', 'in', ['accepted', 'expanding'])
        // A pause holds the expansion too, so that a paused message has no batches but parked ones.
        .where(sql<boolean>`(paused_at is null or expires_at <= now())`)
        .where(sql<boolean>`exists (select from application where id = application_id and removed_at is null)`)
        // Waits: who holds the row is mostly a batch of the message that ends, for less than a millisecond.
        .forUpdate()
        .executeTakeFirst();
      if (!row) return { promoted: [], more: false };
      const applicationId = row.application_id;
      const { members, cursor, max, more } = await this.nextPage(row, transaction);
      const batches = cutBatches(members);
      const message = { seq: messageSeq, applicationId, direct: row.direct };
      const promoted = await this.batches.insert(message, batches, transaction);
      await transaction
        .updateTable('message')
        .set((update) => ({
          state: more ? ('expanding' as const) : ('sending' as const),
          audience: update('audience', '+', members.length),
          open_batches: update('open_batches', '+', batches.length),
          expand_cursor: cursor,
          expand_max: max,
        }))
        .where('seq', '=', messageSeq)
        .execute();
      if (!more) await this.batches.settleMessage(messageSeq, transaction);
      return { promoted, more };
    });
  }

  /** The cursor runs over devices, or, of a resend, over the batches of the original, which no longer change. */
  private async nextPage(
    message: Expanding,
    transaction: Transaction<Tables>,
  ): Promise<{ members: AudienceMember[]; cursor: number; max: number | null; more: boolean }> {
    const { application_id: applicationId, expand_cursor: after } = message;
    if (message.resend_of !== null) {
      const original = { applicationId, id: message.resend_of };
      return {
        ...(await this.resends.page(original, message.resend_outcomes ?? [], after, transaction)),
        max: null,
      };
    }
    const max = message.expand_max ?? (await this.audience.highestSeq(applicationId, transaction));
    const members = await this.audience.page(applicationId, message.target, { after, max, limit: PAGE }, transaction);
    return { members, cursor: members.at(-1)?.seq ?? after, max, more: members.length === PAGE };
  }
}
