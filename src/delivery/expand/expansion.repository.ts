import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { QuietTime, Target } from '../../database/tables.js';
import type { Tx } from '../../database/transaction.js';
import { isOfTheFuture } from '../../database/waits.js';

/** A message that is being expanded. */
export interface Expanding {
  seq: number;
  applicationId: string;
  urgent: boolean;
  target: Target;
  /** The seq of the last device that has a batch; of a resend, the last batch of the original that was used up. */
  cursor: number;
  /** The highest seq of the audience; null before the first page. */
  max: number | null;
  resendOf: string | null;
  resendOutcomes: number[];
  rateSeq: number | null;
  quiet: QuietTime[];
  reachKey: number | null;
  reachCap: number | null;
  traceparent: string | null;
  /** Its time to live has ended. */
  over: boolean;
}

/** Columns of a message that a page changes. */
export interface PageProgress {
  state: 'expanding' | 'sending';
  audience: number;
  capped: number;
  batches: number;
  cursor: number;
  max: number | null;
  /** When the next page is due, in epoch ms; null: at once. */
  expandAt: number | null;
}

/** A pause also stops the expansion, so that all batches of a paused message are parked. */
const EXPANDABLE = sql<boolean>`state in ('accepted', 'expanding') and (paused_at is null or expires_at <= now())
  and exists (select from application where id = application_id and removed_at is null)`;

@Injectable()
export class ExpansionRepository {
  /** Reads a message without a lock. Undefined: there is nothing to expand, or not yet. */
  async read(seq: number, tx: Tx): Promise<Expanding | undefined> {
    const row = await tx
      .selectFrom('message')
      .select([
        'application_id',
        'direct as urgent',
        'target',
        'expand_cursor',
        'expand_max',
        'resend_of',
        'resend_outcomes',
        'traceparent',
      ])
      .select(['rate_seq', 'quiet', 'reach_key', 'reach_cap', sql<boolean>`expires_at <= now()`.as('over')])
      .where('seq', '=', seq)
      .where(EXPANDABLE)
      .where(sql<boolean>`(expand_at is null or expand_at <= clock_timestamp() or ${isOfTheFuture(sql`waits_since`)})`)
      .executeTakeFirst();
    return (
      row && {
        seq,
        applicationId: row.application_id,
        urgent: row.urgent,
        target: row.target,
        cursor: row.expand_cursor,
        max: row.expand_max,
        resendOf: row.resend_of,
        resendOutcomes: row.resend_outcomes ?? [],
        rateSeq: row.rate_seq,
        quiet: row.quiet ?? [],
        reachKey: row.reach_key,
        reachCap: row.reach_cap,
        traceparent: row.traceparent,
        over: row.over,
      }
    );
  }

  /** The next page is due at `until` (epoch ms). */
  async postpone(seq: number, until: number, tx: Tx): Promise<void> {
    const wait = { expand_at: new Date(until), waits_since: sql<Date>`now()` };
    await tx.updateTable('message').set(wait).where('seq', '=', seq).execute();
  }

  /** Moves the cursor. False: the message is not as it was read (paused, cancelled, or expanded by another worker). */
  async advance({ seq, cursor }: Expanding, progress: PageProgress, tx: Tx): Promise<boolean> {
    const { numUpdatedRows } = await tx
      .updateTable('message')
      .set((update) => ({
        state: progress.state,
        audience: update('audience', '+', progress.audience),
        capped: update('capped', '+', progress.capped),
        open_batches: update('open_batches', '+', progress.batches),
        expand_cursor: progress.cursor,
        expand_max: progress.max,
        expand_at: progress.expandAt === null ? null : new Date(progress.expandAt),
        waits_since: sql`now()`,
      }))
      .where('seq', '=', seq)
      .where('expand_cursor', '=', cursor)
      .where(EXPANDABLE)
      .executeTakeFirst();
    return numUpdatedRows > 0n;
  }
}
