import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { Kysely, RawBuilder } from 'kysely';
import { wallClock } from '../common/clock.js';
import { bigints } from '../database/bigints.js';
import { DATABASE } from '../database/database.module.js';
import type { DatabaseWatch } from '../database/database-watch.js';
import { executePrepared } from '../database/prepared.js';
import type { Database } from '../database/database.js';
import type { BatchState, MessageState, Tables } from '../database/tables.js';
import { inTransaction } from '../database/transaction.js';
import type { Tx } from '../database/transaction.js';
import type { ProviderName } from '../providers/provider.js';
import { batchRecords, insertBatches, readyOf } from './batch-insert.repository.js';
import type { InsertedBatch } from './batch-insert.repository.js';
import type { LeasedBatch, QueuedBatch } from './batch.js';
import { toBatchRecord } from './batching.js';
import type { NewBatch } from './batching.js';
import type { BatchLedger } from './ledger.js';
import { OUTCOME, OUTCOME_NAMES } from './outcome.js';

/**
 * Broadcast batches of one application at one provider that are queued or being sent at once; the rest waits in the
 * table. Equal windows let applications share the workers evenly, however many messages each sends; a window per
 * provider keeps a slow provider from delaying the others. The rank inside the window lets a new application begin at
 * once: its first batch goes before the 64th of the others.
 */
export const WINDOW = 64;
/**
 * A worker that has not renewed its lease for this long counts as lost. Leases are renewed at every checkpoint (1 s).
 */
export const LEASE_S = 10;

/**
 * True if an expired lease means a lost worker. While the database accepts no writes, no lease can be renewed, and
 * workers record the answers that they hold afterwards; they have the time of one lease for it.
 */
export function mayTakeOver(watch: Pick<DatabaseWatch, 'hasBeenWritable'>): boolean {
  return watch.hasBeenWritable(LEASE_S * 1_000);
}

/** The message of the batches. */
export interface BatchOwner {
  seq: number;
  applicationId: string;
  urgent: boolean;
}

/** How a lease ends. `waitMs` is null if nothing is due. */
export interface Ending {
  state: BatchState;
  waitMs: number | null;
}

/** Inserts and moves batches. The lease's epoch fences off a worker that was slower than its lease. */
@Injectable()
export class BatchRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** Inserts a message's next batches and returns those that may be queued now; the rest waits to be promoted. */
  async insert(message: BatchOwner, batches: readonly NewBatch[], transaction: Tx): Promise<QueuedBatch[]> {
    if (batches.length === 0) return [];
    const given = sql`
      select ${message.seq}::bigint as message_seq, ${message.applicationId}::text as application_id,
        ${message.urgent}::boolean as direct, batches.*
      from ${batchRecords(sql`${JSON.stringify(batches.map(toBatchRecord))}::json`)}`;
    const { rows } = await sql<InsertedBatch>`${insertBatches(given)}`.execute(transaction);
    return readyOf(rows);
  }

  /**
   * Lets waiting batches of an application into its windows at the providers and returns those that may be queued now.
   * Call it outside a transaction if possible: inside one, it locks the windows until the commit.
   */
  async promote(
    applicationId: string,
    providers: Iterable<ProviderName>,
    db: Kysely<Tables> = this.database.kysely,
  ): Promise<QueuedBatch[]> {
    const promoted: QueuedBatch[] = [];
    // Sorted, so that transactions that lock several windows cannot deadlock.
    for (const provider of [...new Set(providers)].toSorted()) {
      const rows = await executePrepared(
        db,
        'promote-batches',
        sql<Omit<QueuedBatch, 'applicationId'> & { outstanding: number }>`
          select id, epoch, provider, direct as urgent, outstanding
          from promote_batches(${applicationId}, ${provider}, ${WINDOW})`,
      );
      const inOrder = rows.toSorted((a, b) => Number(b.urgent) - Number(a.urgent) || a.id - b.id);
      const urgent = rows.filter((row) => row.urgent).length;
      for (const [index, { outstanding, ...row }] of inOrder.entries()) {
        const batch = { ...row, applicationId };
        promoted.push(batch.urgent ? batch : { ...batch, rank: outstanding + index - urgent + 1 });
      }
    }
    return promoted;
  }

  /** Records the outcomes so far and renews the lease. Returns null if the lease is lost; nothing was recorded then. */
  async checkpoint(batch: LeasedBatch): Promise<{ messageState: MessageState } | null> {
    const known = ledgerColumns(batch.ledger);
    const rows = await executePrepared(
      this.database.kysely,
      'checkpoint',
      sql<{ messageState: MessageState }>`
        update batch set outcomes = ${known.outcomes}, counts = ${known.counts}, details = ${known.details},
          touched_at = ${recordedAt()}, lease_until = now() + make_interval(secs => ${LEASE_S})
        from message
        where message.seq = batch.message_seq and batch.id = ${batch.id}
          -- In an expression: a plan by the index of leases would read an entry for each lease since the last vacuum.
          and batch.epoch = case when batch.state = 'leased' then ${batch.epoch}::integer end
        returning ${STATE_TO_SENDERS} as "messageState"`,
    );
    return rows[0] ?? null;
  }

  /** Of these messages, those that must not be sent any more: cancelled, paused, or with an application that is. */
  async findStopped(messageSeqs: readonly number[]): Promise<number[]> {
    const { rows } = await sql<{ seq: number }>`
      select seq from message where seq = any(${bigints(messageSeqs)}) and ${STATE_TO_SENDERS} in ('cancelled', 'paused')
    `.execute(this.database.kysely);
    return rows.map(({ seq }) => seq);
  }

  /**
   * Ends the lease: done, ready again after `waitMs`, or parked; a cancel or pause of the message takes precedence. In
   * the same transaction, the last batch settles its message, and waiting batches are promoted. Returns null if the
   * lease is lost; nothing was recorded then.
   */
  async finish(batch: LeasedBatch, wanted: Ending): Promise<{ state: BatchState; promoted: QueuedBatch[] } | null> {
    const state = await inTransaction(this.database, async (transaction) => {
      const next = wanted.state === 'done' ? wanted : await this.overruled(batch, wanted, transaction);
      const end = transaction
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
        .returning('id');
      const ended = await executePrepared(transaction, next.waitMs === null ? 'end-batch' : 'end-batch-later', end);
      if (ended.length === 0) return null;
      if (next.state === 'done') await this.closeOne(batch.messageSeq, transaction);
      return next.state;
    });
    if (state === null) return null;
    return { state, promoted: batch.urgent ? [] : await this.promote(batch.applicationId, [batch.provider]) };
  }

  /** Settles a message without open deliveries: cancelled stays, otherwise finished or expired. */
  async settleMessage(messageSeq: number, transaction: Kysely<Tables>): Promise<void> {
    const settle = sql`
      update message set finished_at = now(), totals = sums.totals, state = ${settledState(sql`sums.totals`)}
      from (select array[${SUMS}] as totals from batch where message_seq = ${messageSeq}) as sums
      where seq = ${messageSeq} and open_batches = 0 and state in ('sending', 'cancelled') and finished_at is null`;
    await executePrepared(transaction, 'settle-message', settle);
  }

  /** Parks the waiting batches of an application at a provider. A ready batch is parked by its claim. */
  async park(applicationId: string, provider: ProviderName): Promise<void> {
    await sql`
      update batch set state = 'parked' where id in (
        select id from batch where application_id = ${applicationId} and provider = ${provider} and state = 'waiting'
        for update skip locked)`.execute(this.database.kysely);
  }

  /**
   * Settles the unsent deliveries of a cancelled message, and holds those of a paused one. Locks the message's row, so
   * that a cancel or pause is either seen here or sees this batch in its final state.
   */
  private async overruled(batch: LeasedBatch, wanted: Ending, transaction: Tx): Promise<Ending> {
    const { rows } = await sql<{ state: MessageState }>`select ${STATE_TO_SENDERS} as state from message
      where seq = ${batch.messageSeq} for no key update`.execute(transaction);
    const state = rows[0]?.state;
    if (state === 'paused') return { state: 'parked', waitMs: null };
    if (state !== 'cancelled') return wanted;
    batch.ledger.begin({ ...batch.terms, cancelled: true });
    return { state: 'done', waitMs: null };
  }

  private async closeOne(messageSeq: number, transaction: Tx): Promise<void> {
    const close = transaction
      .updateTable('message')
      .set((update) => ({ open_batches: update('open_batches', '-', 1) }))
      .where('seq', '=', messageSeq)
      .returning('open_batches');
    const [message] = await executePrepared(transaction, 'close-batch', close);
    if (message?.open_batches === 0) await this.settleMessage(messageSeq, transaction);
  }
}

/**
 * The state of a message for workers: a removed application has cancelled its messages, a stopped one has paused them.
 */
const STATE_TO_SENDERS = sql<MessageState>`(select case
  when application.removed_at is not null then 'cancelled'
  when message.state = 'cancelled' or message.paused_at is null and application.stopped_at is null then message.state
  else 'paused' end from application where application.id = message.application_id)`;

/** The final state of a message by its deliveries per outcome. PostgreSQL counts positions from 1. */
export function settledState(totals: RawBuilder<unknown>): RawBuilder<MessageState> {
  return sql`case
    when message.state = 'cancelled' then message.state
    when message.audience > 0 and message.audience = (${totals})[${sql.lit(OUTCOME.expired + 1)}] then 'expired'
    else 'finished' end`;
}

/** Over all rows: deliveries per outcome, position = code. */
export const SUMS = sql.join(
  OUTCOME_NAMES.map((_name, code) => sql`coalesce(sum(counts[${sql.lit(code + 1)}]), 0)::int`),
);

/** A moment from now on by the database's clock, because the clocks of processes differ. */
export function inMs(ms: number): RawBuilder<Date> {
  return sql<Date>`clock_timestamp() + make_interval(secs => ${ms / 1_000})`;
}

/**
 * When a ledger was written, by the clock that its retries were planned with: the database's clock as this process knew
 * it. After a step of the clock that the process has not noticed, the two differ, and the next claim has to know
 * (claim-row.repository.ts).
 */
export function recordedAt(): Date {
  return new Date(wallClock());
}

/**
 * The columns of a batch's ledger, read when the statement runs, because the ledger changes while the statement waits.
 */
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
