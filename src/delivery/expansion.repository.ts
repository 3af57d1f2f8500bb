import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { Transaction } from 'kysely';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';
import type { Tables, Target } from '../database/tables.js';
import { AudienceRepository } from '../devices/audience.repository.js';
import type { AudienceMember } from '../devices/audience.repository.js';
import { BatchRepository } from './batch.repository.js';
import type { ProviderName } from '../providers/provider.js';
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

interface ExpandedPage {
  applicationId: string;
  queued: QueuedBatch[];
  /** Where batches wait for their place in the window. */
  waiting: ProviderName[];
  more: boolean;
}

/** Nothing of the page is kept. */
class Overtaken extends Error {}

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
   * cancelled or paused, or another expansion of it was quicker.
   */
  async expandPage(messageSeq: number): Promise<{ promoted: QueuedBatch[]; more: boolean }> {
    try {
      const { applicationId, queued, waiting, more } = await this.database.kysely
        .transaction()
        .execute((transaction) => this.expandNext(messageSeq, transaction));
      return { promoted: [...queued, ...(await this.batches.promote(applicationId, waiting))], more };
    } catch (error) {
      if (error instanceof Overtaken) return { promoted: [], more: false };
      throw error;
    }
  }

  /**
   * The message's row is locked last: every batch of it that ends wants it, too. Throws Overtaken when there is nothing to
   * expand, or the message is not by then as it was read.
   */
  private async expandNext(messageSeq: number, transaction: Transaction<Tables>): Promise<ExpandedPage> {
    // A pause holds the expansion too, so that a paused message has no batches but parked ones.
    const expandable = sql<boolean>`state in ('accepted', 'expanding') and (paused_at is null or expires_at <= now())`;
    const row = await transaction
      .selectFrom('message')
      .select(['application_id', 'direct', 'target', 'expand_cursor', 'expand_max', 'resend_of', 'resend_outcomes'])
      .where('seq', '=', messageSeq)
      .where(expandable)
      .executeTakeFirst();
    if (!row) throw new Overtaken();
    const applicationId = row.application_id;
    const { members, cursor, max, more } = await this.nextPage(row, transaction);
    const batches = cutBatches(members);
    const message = { seq: messageSeq, applicationId, direct: row.direct };
    const queued = await this.batches.insert(message, batches, transaction);
    const { numUpdatedRows } = await transaction
      .updateTable('message')
      .set((update) => ({
        state: more ? ('expanding' as const) : ('sending' as const),
        audience: update('audience', '+', members.length),
        open_batches: update('open_batches', '+', batches.length),
        expand_cursor: cursor,
        expand_max: max,
      }))
      .where('seq', '=', messageSeq)
      .where('expand_cursor', '=', row.expand_cursor)
      .where(expandable)
      .executeTakeFirst();
    if (numUpdatedRows === 0n) throw new Overtaken();
    if (!more) await this.batches.settleMessage(messageSeq, transaction);
    const waiting = row.direct ? [] : batches.map(({ provider }) => provider);
    return { applicationId, queued: row.direct ? queued : [], waiting, more };
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
