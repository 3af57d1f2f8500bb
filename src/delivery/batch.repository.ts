import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { Kysely, RawBuilder, Transaction } from 'kysely';
import { wallClock } from '../common/clock.js';
import { bigints } from '../database/bigints.js';
import { DATABASE } from '../database/database.module.js';
import type { DatabaseWatch } from '../database/database-watch.js';
import type { Database } from '../database/database.js';
import type { BatchState, MessageState, Tables } from '../database/tables.js';
import type { ProviderName } from '../providers/provider.js';
import { batchRecords, insertBatches, readyOf } from './batch-insert.repository.js';
import type { InsertedBatch } from './batch-insert.repository.js';
import type { LeasedBatch, QueuedBatch } from './batch.js';
import { toBatchRecord } from './batching.js';
import type { NewBatch } from './batching.js';
import type { BatchLedger } from './ledger.js';
import { OUTCOME, OUTCOME_NAMES } from './outcome.js';

/**
 * Broadcast batches of one application at one provider that are queued or being sent at once; the others wait in the
 * table. Each application having as many in the queue is what makes them share the workers evenly, however many messages
 * each of them sends; and each provider having a window of its own is what keeps a slow one from holding up the others.
 * The rank inside the window lets a newcomer begin at once: its first batch goes before the others' sixty-fourth.
 */
export const WINDOW = 64;
/** A worker that has not renewed its lease for this long is taken for lost. Renewed at every checkpoint (1 s). */
export const LEASE_S = 10;

/**
 * Whether a lease that ran out tells of a lost worker. While the database takes no writes none can be renewed, and what its
 * holders know of the providers' answers they can record only afterwards: they have the time of a lease for it.
 */
export function mayTakeOver(watch: Pick<DatabaseWatch, 'hasBeenWritable'>): boolean {
  return watch.hasBeenWritable(LEASE_S * 1_000);
}

/** The message that batches are of. */
export interface BatchOwner {
  seq: number;
  applicationId: string;
  direct: boolean;
}

/** How a lease ends. Null where nothing is due. */
export interface Ending {
  state: BatchState;
  waitMs: number | null;
}

/** Inserting and moving batches. The lease's epoch fences a worker that was slower than its lease. */
@Injectable()
export class BatchRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** Inserts a message's next batches, and answers those that may be queued now; the others wait to be promoted. */
  async insert(
    message: BatchOwner,
    batches: readonly NewBatch[],
    transaction: Transaction<Tables>,
  ): Promise<QueuedBatch[]> {
    if (batches.length === 0) return [];
    const given = sql`
      select ${message.seq}::bigint as message_seq, ${message.applicationId}::text as application_id,
        ${message.direct}::boolean as direct, batches.*
      from ${batchRecords(sql`${JSON.stringify(batches.map(toBatchRecord))}::json`)}`;
    const { rows } = await sql<InsertedBatch>`${insertBatches(given)}`.execute(transaction);
    return readyOf(rows);
  }

  /**
   * Lets waiting batches of an application into its windows at the providers; answers those that may be queued now. Best
   * called on its own: in a transaction it keeps everybody else from the windows until the commit.
   */
  async promote(
    applicationId: string,
    providers: Iterable<ProviderName>,
    db: Kysely<Tables> = this.database.kysely,
  ): Promise<QueuedBatch[]> {
    const promoted: QueuedBatch[] = [];
    // In one order, for the sake of a transaction that holds them all.
    for (const provider of [...new Set(providers)].toSorted()) {
      const { rows } = await sql<QueuedBatch & { outstanding: number }>`
        select * from promote_batches(${applicationId}, ${provider}, ${WINDOW})`.execute(db);
      const inOrder = rows.toSorted((a, b) => Number(b.direct) - Number(a.direct) || a.id - b.id);
      const directs = rows.filter(({ direct }) => direct).length;
      for (const [index, { outstanding, ...batch }] of inOrder.entries())
        promoted.push(batch.direct ? batch : { ...batch, rank: outstanding + index - directs + 1 });
    }
    return promoted;
  }

  /** Records what is known so far and renews the lease. Null: the lease is lost, and nothing was recorded. */
  async checkpoint(batch: LeasedBatch): Promise<{ messageState: MessageState } | null> {
    const known = ledgerColumns(batch.ledger);
    const { rows } = await sql<{ messageState: MessageState }>`
      update batch set outcomes = ${known.outcomes}, counts = ${known.counts}, details = ${known.details},
        touched_at = ${recordedAt()}, lease_until = now() + make_interval(secs => ${LEASE_S})
      from message
      where message.seq = batch.message_seq and batch.id = ${batch.id} and batch.epoch = ${batch.epoch}
        and batch.state = 'leased'
      returning ${STATE_TO_SENDERS} as "messageState"`.execute(this.database.kysely);
    return rows[0] ?? null;
  }

  /** Of these messages, those of which nothing new may be written: cancelled, paused, or their application is. */
  async findStopped(messageSeqs: readonly number[]): Promise<number[]> {
    const { rows } = await sql<{ seq: number }>`
      select seq from message where seq = any(${bigints(messageSeqs)}) and ${STATE_TO_SENDERS} in ('cancelled', 'paused')
    `.execute(this.database.kysely);
    return rows.map(({ seq }) => seq);
  }

  /**
   * Ends the lease: done, ready again after `waitMs`, or parked; a message that was cancelled or paused meanwhile
   * has the last word on it. In the same transaction the message is settled with its last batch; then waiting batches
   * move up. Null: the lease is lost, and nothing was recorded.
   */
  async finish(batch: LeasedBatch, wanted: Ending): Promise<{ state: BatchState; promoted: QueuedBatch[] } | null> {
    const state = await this.database.kysely.transaction().execute(async (transaction) => {
      const next = wanted.state === 'done' ? wanted : await this.overruled(batch, wanted, transaction);
      const ended = await transaction
        .updateTable('batch')
        .set({
          ...ledgerColumns(batch.ledger),
          state: next.state,
          touched_at: recordedAt(),
          lease_until: null,
          due_at: next.waitMs === null ? null : inMs(next.waitMs),
          waits_since: inMs(0),
        })
        .where('id', '=', batch.id)
        .where('epoch', '=', batch.epoch)
        .where('state', '=', 'leased')
        .returning('id')
        .executeTakeFirst();
      if (!ended) return null;
      if (next.state === 'done') await this.closeOne(batch.messageSeq, transaction);
      return next.state;
    });
    if (state === null) return null;
    return { state, promoted: batch.direct ? [] : await this.promote(batch.applicationId, [batch.provider]) };
  }

  /** Settles a message that has nothing left to do: its own state when cancelled, else finished or expired. */
  async settleMessage(messageSeq: number, transaction: Kysely<Tables>): Promise<void> {
    await sql`
      update message set finished_at = now(), totals = sums.totals, state = ${settledState(sql`sums.totals`)}
      from (select array[${SUMS}] as totals from batch where message_seq = ${messageSeq}) as sums
      where seq = ${messageSeq} and open_batches = 0 and state in ('sending', 'cancelled') and finished_at is null
    `.execute(transaction);
  }

  /** Stops what waits of an application at a provider; what is ready is parked by its claim. */
  async park(applicationId: string, provider: ProviderName): Promise<void> {
    await sql`
      update batch set state = 'parked' where id in (
        select id from batch where application_id = ${applicationId} and provider = ${provider} and state = 'waiting'
        for update skip locked)`.execute(this.database.kysely);
  }

  /**
   * What a cancel left unsent is settled now, and a pause holds what is left. The message's row is locked, so that a
   * cancel or pause either is seen here or sees this batch where this leaves it.
   */
  private async overruled(batch: LeasedBatch, wanted: Ending, transaction: Transaction<Tables>): Promise<Ending> {
    const { rows } = await sql<{ state: MessageState }>`select ${STATE_TO_SENDERS} as state from message
      where seq = ${batch.messageSeq} for no key update`.execute(transaction);
    const state = rows[0]?.state;
    if (state === 'paused') return { state: 'parked', waitMs: null };
    if (state !== 'cancelled') return wanted;
    batch.ledger.begin({ ...batch.terms, cancelled: true });
    return { state: 'done', waitMs: null };
  }

  private async closeOne(messageSeq: number, transaction: Transaction<Tables>): Promise<void> {
    const message = await transaction
      .updateTable('message')
      .set((update) => ({ open_batches: update('open_batches', '-', 1) }))
      .where('seq', '=', messageSeq)
      .returning('open_batches')
      .executeTakeFirst();
    if (message?.open_batches === 0) await this.settleMessage(messageSeq, transaction);
  }
}

/**
 * A message's state as those who send it need to know it: an application that was removed has cancelled all of its, and one
 * that was stopped has paused them.
 */
const STATE_TO_SENDERS = sql<MessageState>`(select case
  when application.removed_at is not null then 'cancelled'
  when message.state = 'cancelled' or message.paused_at is null and application.stopped_at is null then message.state
  else 'paused' end from application where application.id = message.application_id)`;

/** What a message is when nothing of it is left to do, by its deliveries per outcome. PostgreSQL counts positions from 1. */
export function settledState(totals: RawBuilder<unknown>): RawBuilder<MessageState> {
  return sql`case
    when message.state = 'cancelled' then message.state
    when message.audience > 0 and message.audience = (${totals})[${sql.lit(OUTCOME.expired + 1)}] then 'expired'
    else 'finished' end`;
}

/** Of all rows: deliveries per outcome, position = code. */
export const SUMS = sql.join(
  OUTCOME_NAMES.map((_name, code) => sql`coalesce(sum(counts[${sql.lit(code + 1)}]), 0)::int`),
);

/** From now on, by the database's clock: those of the processes differ. */
export function inMs(ms: number): RawBuilder<Date> {
  return sql<Date>`clock_timestamp() + make_interval(secs => ${ms / 1_000})`;
}

/**
 * When a ledger was written, by the clock that its next tries were planned by: the database's, as this process knew it. After a
 * step that the process has not seen yet the two differ, and the next claim has to know (claim-row.repository.ts).
 */
export function recordedAt(): Date {
  return new Date(wallClock());
}

/** What a batch's row says of its ledger: as it is now, for it goes on changing while the statement waits its turn. */
export function ledgerColumns(ledger: BatchLedger): { outcomes: Buffer; counts: string; details: string } {
  return {
    outcomes: Buffer.from(ledger.outcomes),
    counts: toArray(ledger.counts()),
    details: JSON.stringify(ledger.details),
  };
}

function toArray(numbers: readonly number[]): string {
  return `{${numbers.join(',')}}`;
}
