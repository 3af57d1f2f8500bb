import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { Kysely, Transaction } from 'kysely';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';
import type { BatchState, DeliveryDetails, MessageState, Tables } from '../database/tables.js';
import type { Notification } from '../providers/notification.js';
import type { ProviderName } from '../providers/provider.js';
import type { NewBatch } from './batching.js';
import { BatchLedger } from './ledger.js';
import type { AttemptTerms } from './ledger.js';

/** Batches of one message that are queued or being sent at once; the others wait in the table. */
export const WINDOW = 64;
/** A worker that has not renewed its lease for this long is taken for lost. Renewed at every checkpoint (1 s). */
const LEASE_S = 10;

/** What the queue needs to know of a batch. */
export interface QueuedBatch {
  id: number;
  epoch: number;
  provider: ProviderName;
  direct: boolean;
}

export interface LeasedBatch extends QueuedBatch {
  messageSeq: number;
  applicationId: string;
  /** 0 where the provider needs no settings, null where it needs some and has none. */
  settingsVersion: number | null;
  notification: Notification;
  terms: AttemptTerms;
  deviceSeqs: number[];
  ledger: BatchLedger;
  /** Positions to send now: marked in flight, and committed so. */
  due: number[];
}

/** Reading and moving batches. The lease's epoch fences a worker that was slower than its lease. */
@Injectable()
export class BatchRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  async insert(
    message: { seq: number; applicationId: string },
    batches: readonly NewBatch[],
    transaction: Transaction<Tables>,
  ): Promise<void> {
    if (batches.length === 0) return;
    await transaction
      .insertInto('batch')
      .values(
        batches.map(({ provider, deviceSeqs }) => ({
          message_seq: message.seq,
          application_id: message.applicationId,
          provider,
          state: 'waiting' as const,
          size: deviceSeqs.length,
          first_seq: deviceSeqs[0] ?? 0,
          last_seq: deviceSeqs.at(-1) ?? 0,
          device_seqs: `{${deviceSeqs.join(',')}}`,
          outcomes: Buffer.alloc(deviceSeqs.length),
          counts: toArray([deviceSeqs.length, 0, 0, 0, 0, 0, 0, 0]),
          details: '{}',
        })),
      )
      .execute();
  }

  /**
   * Lets waiting batches of a message into the window; answers those that may be queued now. One at a time per message:
   * two that count at once would each fill the window. The clock is read when the rows are: now() is the transaction's
   * start, before which another one may not yet have let its batch in.
   */
  async promote(messageSeq: number, transaction?: Transaction<Tables>): Promise<QueuedBatch[]> {
    if (!transaction) return this.database.kysely.transaction().execute((own) => this.promote(messageSeq, own));
    await sql`select from message where seq = ${messageSeq} for no key update`.execute(transaction);
    const { rows } = await sql<QueuedBatch>`
      update batch set state = 'ready', due_at = now()
      from message
      where message.seq = batch.message_seq and batch.id in (
        select id from batch where message_seq = ${messageSeq} and state = 'waiting' order by id
        limit greatest(0, ${WINDOW} - (
          select count(*) from batch where message_seq = ${messageSeq}
            and (state = 'leased' or state = 'ready' and due_at <= clock_timestamp())))
        for update skip locked)
      returning batch.id, batch.epoch, batch.provider, message.direct`.execute(transaction);
    return rows;
  }

  /**
   * Leases a batch that is due and marks what is to be sent as in flight. Null when there is nothing to do: done, held
   * by another worker, not due, or its provider is paused for the application (then it is parked).
   */
  async claim(id: number, provider: { needsSettings: boolean }, now: number): Promise<LeasedBatch | null> {
    return this.database.kysely.transaction().execute(async (transaction) => {
      const { rows } = await sql<ClaimRow>`
        select batch.id, batch.epoch, batch.provider, batch.message_seq, batch.application_id, batch.device_seqs,
          batch.outcomes, batch.details, message.id as message_id, message.direct, message.state as message_state,
          message.notification, message.on_unknown, message.accepted_at, message.expires_at,
          provider_setting.version, provider_setting.paused_reason
        from batch
        join message on message.seq = batch.message_seq
        left join provider_setting on provider_setting.application_id = batch.application_id
          and provider_setting.provider = batch.provider
        where batch.id = ${id}
          and (batch.state = 'ready' and batch.due_at <= now() or batch.state = 'leased' and batch.lease_until < now())
        for update of batch skip locked`.execute(transaction);
      const row = rows[0];
      if (!row) return null;
      const batch = toLeased(row, provider.needsSettings, now);
      const over = batch.terms.cancelled || now >= batch.terms.expiresAt;
      if (row.paused_reason !== null && !over) {
        await transaction.updateTable('batch').set({ state: 'parked' }).where('id', '=', id).execute();
        return null;
      }
      batch.due.push(...batch.ledger.begin(batch.terms));
      await transaction
        .updateTable('batch')
        .set({
          ...toColumns(batch.ledger),
          state: 'leased',
          epoch: batch.epoch,
          lease_until: sql`now() + make_interval(secs => ${LEASE_S})`,
        })
        .where('id', '=', id)
        .execute();
      return batch;
    });
  }

  /** Records what is known so far and renews the lease. Null: the lease is lost, and nothing was recorded. */
  async checkpoint(batch: LeasedBatch): Promise<{ messageState: MessageState } | null> {
    const { rows } = await sql<{ messageState: MessageState }>`
      update batch set outcomes = ${batch.ledger.outcomes}, counts = ${toArray(batch.ledger.counts())},
        details = ${JSON.stringify(batch.ledger.details)}, lease_until = now() + make_interval(secs => ${LEASE_S})
      from message
      where message.seq = batch.message_seq and batch.id = ${batch.id} and batch.epoch = ${batch.epoch}
        and batch.state = 'leased'
      returning message.state as "messageState"`.execute(this.database.kysely);
    return rows[0] ?? null;
  }

  /**
   * Ends the lease: done, ready again at `dueAt` (epoch ms), or parked. In the same transaction the message is settled
   * with its last batch, and waiting batches move up. Null: the lease is lost, and nothing was recorded.
   */
  async finish(
    batch: LeasedBatch,
    next: { state: BatchState; dueAt: number | null },
  ): Promise<{ promoted: QueuedBatch[] } | null> {
    return this.database.kysely.transaction().execute(async (transaction) => {
      const ended = await transaction
        .updateTable('batch')
        .set({
          ...toColumns(batch.ledger),
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
      return { promoted: batch.direct ? [] : await this.promote(batch.messageSeq, transaction) };
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

interface ClaimRow {
  id: number;
  epoch: number;
  provider: ProviderName;
  message_seq: number;
  application_id: string;
  device_seqs: number[];
  outcomes: Buffer;
  details: DeliveryDetails;
  message_id: string;
  direct: boolean;
  message_state: MessageState;
  notification: Omit<Notification, 'messageId' | 'expiresAt'>;
  on_unknown: 'resend' | 'hold';
  accepted_at: Date;
  expires_at: Date;
  version: number | null;
  paused_reason: string | null;
}

/** PostgreSQL counts array positions from 1. */
const EXPIRED_INDEX = 6;

function toLeased(row: ClaimRow, needsSettings: boolean, now: number): LeasedBatch {
  return {
    id: row.id,
    epoch: row.epoch + 1,
    provider: row.provider,
    direct: row.direct,
    messageSeq: row.message_seq,
    applicationId: row.application_id,
    settingsVersion: needsSettings ? row.version : 0,
    notification: { ...row.notification, messageId: row.message_id, expiresAt: row.expires_at.getTime() },
    terms: {
      now,
      acceptedAt: row.accepted_at.getTime(),
      expiresAt: row.expires_at.getTime(),
      onUnknown: row.on_unknown,
      cancelled: row.message_state === 'cancelled',
    },
    deviceSeqs: row.device_seqs,
    ledger: new BatchLedger(row.outcomes, row.details),
    due: [],
  };
}

function toColumns(ledger: BatchLedger): { outcomes: Buffer; counts: string; details: string } {
  return {
    outcomes: ledger.outcomes,
    counts: toArray(ledger.counts()),
    details: JSON.stringify(ledger.details),
  };
}

function toArray(numbers: readonly number[]): string {
  return `{${numbers.join(',')}}`;
}
