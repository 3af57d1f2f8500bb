import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { Transaction } from 'kysely';
import { DATABASE } from '../../database/database.module.js';
import type { Database } from '../../database/database.js';
import type { QuietTime, Tables, Target } from '../../database/tables.js';
import { isOfTheFuture } from '../../database/waits.js';
import { AudienceRepository } from '../../devices/audience.repository.js';
import type { AudienceMember } from '../../devices/audience.repository.js';
import { BatchRepository } from '../batch.repository.js';
import type { ProviderName } from '../../providers/provider.js';
import type { QueuedBatch } from '../batch.js';
import { BATCH_SIZE, cutBatches } from '../batching.js';
import type { NewBatch } from '../batching.js';
import { AHEAD_MS, layOut, pageSize } from './message-rate.js';
import { MessageRateRepository } from './message-rate.repository.js';
import type { HeldRate } from './message-rate.repository.js';
import { ReachRepository } from './reach.repository.js';
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
  rate_seq: number | null;
  quiet: QuietTime[] | null;
  reach_key: number | null;
  reach_cap: number | null;
}

interface Page {
  members: AudienceMember[];
  cursor: number;
  max: number | null;
  more: boolean;
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
    private readonly rates: MessageRateRepository,
    private readonly reach: ReachRepository,
  ) {}

  /**
   * Inserts the next page's batches and moves the cursor, in one transaction. The first page freezes the audience at
   * the highest seq of that moment. `more` is false when the message is expanded, cancelled or paused, when another
   * expansion of it was quicker, or when the next page of one that is held to a rate comes later.
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
    const expandable = sql<boolean>`state in ('accepted', 'expanding') and (paused_at is null or expires_at <= now())
      and exists (select from application where id = application_id and removed_at is null)`;
    const row = await transaction
      .selectFrom('message')
      .select(['application_id', 'direct', 'target', 'expand_cursor', 'expand_max', 'resend_of', 'resend_outcomes'])
      .select(['rate_seq', 'quiet', 'reach_key', 'reach_cap', sql<boolean>`expires_at <= now()`.as('over')])
      .where('seq', '=', messageSeq)
      .where(expandable)
      .where(sql<boolean>`(expand_at is null or expand_at <= clock_timestamp() or ${isOfTheFuture(sql`waits_since`)})`)
      .executeTakeFirst();
    if (!row) throw new Overtaken();
    const applicationId = row.application_id;
    // What nobody wants any more is settled at once.
    const rate = row.rate_seq === null || row.over ? null : await this.rates.hold(row.rate_seq, transaction);
    if (rate && rate.nextMs - AHEAD_MS > rate.now) {
      // Others of its run have what there is of the rate for now.
      await this.postpone(messageSeq, rate.nextMs - AHEAD_MS, transaction);
      return { applicationId, queued: [], waiting: [], more: false };
    }
    const { members, cursor, max, more, perSecond } = await this.nextPage(row, rate, transaction);
    const reached = await this.admit(row, members, transaction);
    const timed = rate && { ...rate, perSecond };
    const { batches, expandAt } = await this.cut(reached, row.quiet, timed, transaction);
    const message = { seq: messageSeq, applicationId, direct: row.direct };
    const queued = await this.batches.insert(message, batches, transaction);
    const { numUpdatedRows } = await transaction
      .updateTable('message')
      .set((update) => ({
        state: more ? ('expanding' as const) : ('sending' as const),
        audience: update('audience', '+', reached.length),
        capped: update('capped', '+', members.length - reached.length),
        open_batches: update('open_batches', '+', batches.length),
        expand_cursor: cursor,
        expand_max: max,
        expand_at: expandAt === null ? null : new Date(expandAt),
        waits_since: sql`now()`,
      }))
      .where('seq', '=', messageSeq)
      .where('expand_cursor', '=', row.expand_cursor)
      .where(expandable)
      .executeTakeFirst();
    if (numUpdatedRows === 0n) throw new Overtaken();
    if (!more) await this.batches.settleMessage(messageSeq, transaction);
    const waits = !row.direct && rate === null;
    return {
      applicationId,
      queued: waits ? [] : queued,
      waiting: waits ? batches.map(({ provider }) => provider) : [],
      more: more && (expandAt === null || rate === null || expandAt <= rate.now),
    };
  }

  private async postpone(messageSeq: number, until: number, transaction: Transaction<Tables>): Promise<void> {
    const wait = { expand_at: new Date(until), waits_since: sql<Date>`now()` };
    await transaction.updateTable('message').set(wait).where('seq', '=', messageSeq).execute();
  }

  /** Those whose person has not been reached often enough today. */
  private async admit(
    { application_id: applicationId, reach_key: key, reach_cap: cap }: Expanding,
    members: AudienceMember[],
    transaction: Transaction<Tables>,
  ): Promise<AudienceMember[]> {
    if (key === null || members.length === 0) return members;
    return this.reach.admit(applicationId, members, { key, cap }, transaction);
  }

  /** Batches, in steps of their own time when there is a rate; `expandAt`: when the page after them is to be made. */
  private async cut(
    members: AudienceMember[],
    quiet: readonly QuietTime[] | null,
    rate: (HeldRate & { perSecond: number }) | null,
    transaction: Transaction<Tables>,
  ): Promise<{ batches: NewBatch[]; expandAt: number | null }> {
    if (!rate) return { batches: cutBatches(members), expandAt: null };
    // What was not sent while nobody was there is not made up for: the rate is a limit.
    const from = Math.max(rate.now, rate.nextMs);
    const { steps, next } = layOut(members, rate.perSecond, from, quiet ?? []);
    await this.rates.move(rate, rate.perSecond, next, transaction);
    const batches = steps.flatMap(({ due, members: step }) => cutBatches(step).map((batch) => ({ ...batch, due })));
    return { batches, expandAt: next - AHEAD_MS };
  }

  /** The cursor runs over devices, or, of a resend, over the batches of the original, which no longer change. */
  private async nextPage(
    message: Expanding,
    rate: HeldRate | null,
    transaction: Transaction<Tables>,
  ): Promise<Page & { perSecond: number }> {
    const { application_id: applicationId, expand_cursor: after } = message;
    if (message.resend_of !== null) {
      const original = { applicationId, id: message.resend_of };
      const page = await this.resends.page(original, message.resend_outcomes ?? [], after, transaction);
      return { ...page, max: null, perSecond: Infinity };
    }
    const max = message.expand_max ?? (await this.audience.highestSeq(applicationId, transaction));
    const perSecond = rate ? await this.rateOf(message, rate, max, transaction) : Infinity;
    const limit = rate ? pageSize(perSecond) : PAGE;
    const members = await this.audience.page(applicationId, message.target, { after, max, limit }, transaction);
    return { members, cursor: members.at(-1)?.seq ?? after, max, more: members.length === limit, perSecond };
  }

  /** A message that is spread over a time is counted once, and then has a rate. */
  private async rateOf(
    { application_id: applicationId, target }: Expanding,
    { perSecond, spreadSeconds }: HeldRate,
    max: number,
    transaction: Transaction<Tables>,
  ): Promise<number> {
    if (perSecond !== null) return perSecond;
    return Math.max(1, await this.audience.count(applicationId, target, max, transaction)) / (spreadSeconds ?? 1);
  }
}
