import { Inject, Injectable } from '@nestjs/common';
import type { Database } from '../../database/database.js';
import { DATABASE } from '../../database/database.module.js';
import { inTransaction } from '../../database/transaction.js';
import type { Tx } from '../../database/transaction.js';
import { inSpan } from '../../common/tracing.js';
import type { OpenSpan } from '../../common/tracing.js';
import { AudienceRepository } from '../../devices/audience.repository.js';
import type { AudienceMember } from '../../devices/audience.repository.js';
import type { ProviderName } from '../../providers/provider.js';
import type { QueuedBatch } from '../batch.js';
import { BatchRepository } from '../batch.repository.js';
import { BATCH_SIZE, cutBatches } from '../batching.js';
import type { NewBatch } from '../batching.js';
import { ExpansionRepository } from './expansion.repository.js';
import type { Expanding } from './expansion.repository.js';
import { AHEAD_MS, layOut, pageSize } from './message-rate.js';
import { MessageRateRepository } from './message-rate.repository.js';
import type { HeldRate } from './message-rate.repository.js';
import { ReachRepository } from './reach.repository.js';
import { ResendRepository } from './resend.repository.js';

/** Ten batches: a transaction of about 20 ms, and at most this many short batches of a rare provider. */
const PAGE = 10 * BATCH_SIZE;

/** Some members of the audience. */
interface Page {
  members: AudienceMember[];
  cursor: number;
  max: number | null;
  more: boolean;
  /** Deliveries per second. */
  perSecond: number;
}

interface ExpandedPage {
  applicationId: string;
  queued: QueuedBatch[];
  /** Providers with batches that wait for a place in the window. */
  waiting: ProviderName[];
  more: boolean;
}

/** Rolls the page back. */
class Overtaken extends Error {}

/** Turns the target of an accepted message into batches, page by page. After a crash it continues from its cursor. */
@Injectable()
export class ExpandService {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly expansions: ExpansionRepository,
    private readonly audience: AudienceRepository,
    private readonly batches: BatchRepository,
    private readonly resends: ResendRepository,
    private readonly rates: MessageRateRepository,
    private readonly reach: ReachRepository,
  ) {}

  /**
   * Inserts the batches of the next page and moves the cursor, in one transaction. The first page fixes the audience at
   * the highest seq of that moment. `more` is false when the message is expanded, cancelled or paused, when another
   * worker was faster, or when the next page of a message with a rate is due later.
   */
  async expandPage(messageSeq: number): Promise<{ promoted: QueuedBatch[]; more: boolean }> {
    try {
      const page = await inTransaction(this.database, (tx) => this.expandNext(messageSeq, tx));
      const promoted = await this.batches.promote(page.applicationId, page.waiting);
      return { promoted: [...page.queued, ...promoted], more: page.more };
    } catch (error) {
      if (error instanceof Overtaken) return { promoted: [], more: false };
      throw error;
    }
  }

  /** Locks the row of the message last, because each of its batches needs the row to end. */
  private async expandNext(messageSeq: number, tx: Tx): Promise<ExpandedPage> {
    const message = await this.expansions.read(messageSeq, tx);
    if (!message) throw new Overtaken();
    const { applicationId, traceparent, cursor } = message;
    const of = { 'carillon.application': applicationId, 'carillon.after': cursor };
    return inSpan('expand', traceparent, of, (span) => this.expandMessage(message, span, tx));
  }

  private async expandMessage(message: Expanding, span: OpenSpan, tx: Tx): Promise<ExpandedPage> {
    const { seq: messageSeq, applicationId } = message;
    // A message whose time to live has ended needs no rate: all of it expires at once.
    const rate = message.rateSeq === null || message.over ? null : await this.rates.hold(message.rateSeq, tx);
    if (rate && rate.nextMs - AHEAD_MS > rate.now) {
      // Other messages of this run have used up the rate; continue later.
      await this.expansions.postpone(messageSeq, rate.nextMs - AHEAD_MS, tx);
      return { applicationId, queued: [], waiting: [], more: false };
    }
    const { members, cursor, max, more, perSecond } = await this.nextPage(message, rate, tx);
    const reached = await this.admit(message, members, tx);
    const { batches, expandAt } = await this.cut(reached, message.quiet, rate && { ...rate, perSecond }, tx);
    const queued = await this.batches.insert(message, batches, tx);
    const progress = {
      state: more ? ('expanding' as const) : ('sending' as const),
      audience: reached.length,
      capped: members.length - reached.length,
      batches: batches.length,
      cursor,
      max,
      expandAt,
    };
    if (!(await this.expansions.advance(message, progress, tx))) throw new Overtaken();
    if (!more) await this.batches.settleMessage(messageSeq, tx);
    span.note(() => ({ 'carillon.devices': reached.length, 'carillon.batches': batches.length }));
    const waits = !message.urgent && rate === null;
    return {
      applicationId,
      queued: waits ? [] : queued,
      waiting: waits ? batches.map(({ provider }) => provider) : [],
      more: more && (expandAt === null || rate === null || expandAt <= rate.now),
    };
  }

  /** The cursor is a seq of devices; of a resend, the id of a batch of the original, whose batches no longer change. */
  private async nextPage(message: Expanding, rate: HeldRate | null, tx: Tx): Promise<Page> {
    const { applicationId, cursor: after, resendOf: id } = message;
    if (id !== null) {
      const page = await this.resends.page({ applicationId, id }, message.resendOutcomes, after, tx);
      return { ...page, max: null, perSecond: Infinity };
    }
    const max = message.max ?? (await this.audience.highestSeq(applicationId, tx));
    const perSecond = rate ? await this.rateOf(message, rate, max, tx) : Infinity;
    const limit = rate ? pageSize(perSecond) : PAGE;
    const members = await this.audience.page(applicationId, message.target, { after, max, limit }, tx);
    return { members, cursor: members.at(-1)?.seq ?? after, max, more: members.length === limit, perSecond };
  }

  /** The rate of a message that is spread over a time follows from its audience, which is counted once. */
  private async rateOf(
    { applicationId, target }: Expanding,
    { perSecond, spreadSeconds }: HeldRate,
    max: number,
    tx: Tx,
  ): Promise<number> {
    if (perSecond !== null) return perSecond;
    return Math.max(1, await this.audience.count(applicationId, target, max, tx)) / (spreadSeconds ?? 1);
  }

  /** The members that are below the daily cap. */
  private async admit(
    { applicationId, reachKey: key, reachCap: cap }: Expanding,
    members: AudienceMember[],
    tx: Tx,
  ): Promise<AudienceMember[]> {
    if (key === null || members.length === 0) return members;
    return this.reach.admit(applicationId, members, { key, cap }, tx);
  }

  /** With a rate, cuts batches for one step of the rate each. `expandAt`: when the next page is due. */
  private async cut(
    members: AudienceMember[],
    quiet: Expanding['quiet'],
    rate: (HeldRate & { perSecond: number }) | null,
    tx: Tx,
  ): Promise<{ batches: NewBatch[]; expandAt: number | null }> {
    if (!rate) return { batches: cutBatches(members), expandAt: null };
    // Time without deliveries is not made up for, because the rate is a limit.
    const from = Math.max(rate.now, rate.nextMs);
    const { steps, next } = layOut(members, rate.perSecond, from, quiet);
    await this.rates.move(rate, rate.perSecond, next, tx);
    const batches = steps.flatMap(({ due, members: step }) => cutBatches(step).map((batch) => ({ ...batch, due })));
    return { batches, expandAt: next - AHEAD_MS };
  }
}
