import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { Kysely, Transaction } from 'kysely';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';
import type { BatchState, MessageState, Tables } from '../database/tables.js';
import type { ProviderName } from '../providers/provider.js';
import type { LeasedBatch, Lot, QueuedBatch } from './batch.js';
import type { NewBatch } from './batching.js';
import type { BatchLedger } from './ledger.js';

/**
 * Broadcast batches of one application at one provider that are queued or being sent at once; the others wait in the
 * table. Each application having as many in the queue is what makes them share the workers evenly, however many messages
 * each of them sends; and each provider having a window of its own is what keeps a slow one from holding up the others.
 * The rank inside the window lets a newcomer begin at once: its first batch goes before the others' sixty-fourth.
 */
export const WINDOW = 64;
/** A worker that has not renewed its lease for this long is taken for lost. Renewed at every checkpoint (1 s). */
export const LEASE_S = 10;

/** Inserting and moving batches. The lease's epoch fences a worker that was slower than its lease. */
@Injectable()
export class BatchRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** Inserts a message's next batches; answers those that may be queued now: all of a direct message, else what the window takes. */
  async insert(
    message: { seq: number; applicationId: string; direct: boolean },
    batches: readonly NewBatch[],
    transaction: Transaction<Tables>,
  ): Promise<QueuedBatch[]> {
    if (batches.length === 0) return [];
    const { direct } = message;
    const inserted = await transaction
      .insertInto('batch')
      .values(
        batches.map(({ provider, deviceSeqs }) => ({
          message_seq: message.seq,
          application_id: message.applicationId,
          provider,
          direct,
          state: direct ? ('ready' as const) : ('waiting' as const),
          due_at: direct ? sql<Date>`now()` : null,
          size: deviceSeqs.length,
          first_seq: deviceSeqs[0] ?? 0,
          last_seq: deviceSeqs.at(-1) ?? 0,
          device_seqs: `{${deviceSeqs.join(',')}}`,
          outcomes: Buffer.alloc(deviceSeqs.length),
          counts: toArray([deviceSeqs.length, 0, 0, 0, 0, 0, 0, 0]),
          details: '{}',
        })),
      )
      .returning(['id', 'epoch', 'provider', 'direct'])
      .execute();
    if (direct) return inserted;
    const promoted: QueuedBatch[] = [];
    // In one order, because each holds its window until the commit.
    for (const provider of [...new Set(batches.map((batch) => batch.provider))].toSorted())
      promoted.push(...(await this.promote({ applicationId: message.applicationId, provider }, transaction)));
    return promoted;
  }

  /**
   * Lets waiting batches of an application into its window at a provider; answers those that may be queued now. One
   * transaction at a time: two that count at once would each fill the window. The clock is read when the rows are: now()
   * is the transaction's start, before which another one may not yet have let its batch in.
   */
  async promote({ applicationId, provider }: Lot, transaction?: Transaction<Tables>): Promise<QueuedBatch[]> {
    if (!transaction)
      return this.database.kysely.transaction().execute((own) => this.promote({ applicationId, provider }, own));
    const lot = `${provider} ${applicationId}`;
    await sql`select pg_advisory_xact_lock(hashtextextended(${lot}, 0))`.execute(transaction);
    const waiting = sql`application_id = ${applicationId} and provider = ${provider} and state = 'waiting'`;
    const { rows } = await sql<QueuedBatch & { outstanding: number }>`
      with ahead as (select id from batch where ${waiting} and direct for update skip locked),
        outstanding as (
          select count(*)::int as number from batch
          where application_id = ${applicationId} and provider = ${provider} and not direct
            and state in ('ready', 'leased') and (due_at <= clock_timestamp() or has_slot)),
        next as (
          select id from batch where ${waiting} and not direct order by id
          limit greatest(0, ${WINDOW} - (select number from outstanding))
          for update skip locked)
      update batch set state = 'ready', due_at = now()
      where id in (select id from ahead union all select id from next)
      returning id, epoch, provider, direct, (select number from outstanding) as outstanding`.execute(transaction);
    const inOrder = rows.toSorted((a, b) => Number(b.direct) - Number(a.direct) || a.id - b.id);
    const directs = rows.filter(({ direct }) => direct).length;
    return inOrder.map(({ outstanding, ...batch }, index) =>
      batch.direct ? batch : { ...batch, rank: outstanding + index - directs + 1 },
    );
  }

  /** Records what is known so far and renews the lease. Null: the lease is lost, and nothing was recorded. */
  async checkpoint(batch: LeasedBatch): Promise<{ messageState: MessageState } | null> {
    const { rows } = await sql<{ messageState: MessageState }>`
      update batch set outcomes = ${batch.ledger.outcomes}, counts = ${toArray(batch.ledger.counts())},
        details = ${JSON.stringify(batch.ledger.details)}, lease_until = now() + make_interval(secs => ${LEASE_S})
      from message
      where message.seq = batch.message_seq and batch.id = ${batch.id} and batch.epoch = ${batch.epoch}
        and batch.state = 'leased'
      returning ${STATE_TO_SENDERS} as "messageState"`.execute(this.database.kysely);
    return rows[0] ?? null;
  }

  /**
   * Ends the lease: done, ready again at `dueAt` (epoch ms), or parked; a message that was cancelled or paused meanwhile
   * has the last word on it. In the same transaction the message is settled with its last batch, and waiting batches
   * move up. Null: the lease is lost, and nothing was recorded.
   */
  async finish(
    batch: LeasedBatch,
    wanted: { state: BatchState; dueAt: number | null },
  ): Promise<{ state: BatchState; promoted: QueuedBatch[] } | null> {
    return this.database.kysely.transaction().execute(async (transaction) => {
      const next = wanted.state === 'done' ? wanted : await this.overruled(batch, wanted, transaction);
      const ended = await transaction
        .updateTable('batch')
        .set({
          ...ledgerColumns(batch.ledger),
          state: next.state,
          lease_until: null,
          due_at: next.dueAt === null ? null : new Date(next.dueAt),
        })
        .where('id', '=', batch.id)
        .where('epoch', '=', batch.epoch)
        .where('state', '=', 'leased')
        .returning('id')
        .executeTakeFirst();
      if (!ended) return null;
      if (next.state === 'done') await this.closeOne(batch.messageSeq, transaction);
      return { state: next.state, promoted: batch.direct ? [] : await this.promote(batch, transaction) };
    });
  }

  /** Settles a message that has nothing left to do: its own state when cancelled, else finished or expired. */
  async settleMessage(messageSeq: number, transaction: Kysely<Tables>): Promise<void> {
    await sql`
      update message set finished_at = now(), state = case
        when state = 'cancelled' then state
        when audience > 0 and audience =
          (select sum(counts[${EXPIRED_INDEX}]) from batch where message_seq = message.seq) then 'expired'
        else 'finished' end
      where seq = ${messageSeq} and open_batches = 0 and state in ('sending', 'cancelled') and finished_at is null
    `.execute(transaction);
  }

  /** Stops everything of an application at a provider that is not being sent at this moment. */
  async park(applicationId: string, provider: ProviderName): Promise<void> {
    await this.database.kysely
      .updateTable('batch')
      .set({ state: 'parked' })
      .where('application_id', '=', applicationId)
      .where('provider', '=', provider)
      .where('state', 'in', ['waiting', 'ready'])
      .execute();
  }

  /**
   * What a cancel left unsent is settled now, and a pause holds what is left. The message's row is locked, so that a
   * cancel or pause either is seen here or sees this batch where this leaves it.
   */
  private async overruled(
    batch: LeasedBatch,
    wanted: { state: BatchState; dueAt: number | null },
    transaction: Transaction<Tables>,
  ): Promise<{ state: BatchState; dueAt: number | null }> {
    const { rows } = await sql<{ state: MessageState }>`select ${STATE_TO_SENDERS} as state from message
      where seq = ${batch.messageSeq} for no key update`.execute(transaction);
    const state = rows[0]?.state;
    if (state === 'paused') return { state: 'parked', dueAt: null };
    if (state !== 'cancelled') return wanted;
    batch.ledger.begin({ ...batch.terms, cancelled: true });
    return { state: 'done', dueAt: null };
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

/** A message's state as those who send it need to know it: an application that was removed has cancelled all of its. */
const STATE_TO_SENDERS = sql<MessageState>`case
  when exists (select from application where id = message.application_id and removed_at is not null) then 'cancelled'
  when message.paused_at is null then message.state else 'paused' end`;

/** PostgreSQL counts array positions from 1. */
const EXPIRED_INDEX = 6;

/** What a batch's row says of its ledger. */
export function ledgerColumns(ledger: BatchLedger): { outcomes: Buffer; counts: string; details: string } {
  return {
    outcomes: ledger.outcomes,
    counts: toArray(ledger.counts()),
    details: JSON.stringify(ledger.details),
  };
}

function toArray(numbers: readonly number[]): string {
  return `{${numbers.join(',')}}`;
}
