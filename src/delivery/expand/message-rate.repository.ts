import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { QuietTime, Tables } from '../../database/tables.js';
import { wentBackBy } from '../../database/waits.js';
import type { Tx } from '../../database/transaction.js';
import type { ProviderName } from '../../providers/provider.js';
import type { QueuedBatch } from '../batch.js';
import { placeBatches } from './message-rate.js';

/** A rate whose row is locked until the transaction ends. Times are epoch ms by the database's clock. */
export interface HeldRate {
  seq: number;
  perSecond: number | null;
  spreadSeconds: number | null;
  nextMs: number;
  now: number;
}

/** Rates of messages. The messages of one campaign share a row, and so keep its rate together. */
@Injectable()
export class MessageRateRepository {
  /** Exactly one member is set: deliveries per second, or the seconds to spread all deliveries of a message over. */
  async add(rate: { perSecond?: number; spreadSeconds?: number }, transaction: Kysely<Tables>): Promise<number> {
    const values = { per_second: rate.perSecond ?? null, spread_s: rate.spreadSeconds ?? null, next_ms: 0 };
    return (await transaction.insertInto('message_rate').values(values).returning('seq').executeTakeFirstOrThrow()).seq;
  }

  async hold(seq: number, transaction: Tx): Promise<HeldRate> {
    const row = await transaction
      .selectFrom('message_rate')
      .selectAll()
      .select(sql<Date>`clock_timestamp()`.as('now'))
      .where('seq', '=', seq)
      .forUpdate()
      .executeTakeFirstOrThrow();
    const now = row.now.getTime();
    const nextMs = row.next_ms - wentBackBy(row.written_at, now);
    return { seq, perSecond: row.per_second, spreadSeconds: row.spread_s, nextMs, now };
  }

  async move(rate: HeldRate, perSecond: number, nextMs: number, transaction: Tx): Promise<void> {
    await transaction
      .updateTable('message_rate')
      .set({ per_second: perSecond, next_ms: nextMs, written_at: new Date(rate.now) })
      .where('seq', '=', rate.seq)
      .execute();
  }

  /** The rate of a message, held; null for a message without one. */
  async holdOf(applicationId: string, messageId: string, transaction: Tx): Promise<HeldRate | null> {
    const message = await transaction
      .selectFrom('message')
      .select('rate_seq')
      .where('application_id', '=', applicationId)
      .where('id', '=', messageId)
      .executeTakeFirst();
    return message && message.rate_seq !== null ? this.hold(message.rate_seq, transaction) : null;
  }

  /**
   * Places the released steps of a message anew, from now: they were due during its pause, and would all be sent at its
   * end. Batches that were tried wait like those of other messages. Returns the batches to queue.
   */
  async placeAnew(
    messageSeq: number,
    quiet: readonly QuietTime[],
    rate: HeldRate,
    transaction: Tx,
  ): Promise<QueuedBatch[]> {
    const { rows } = await sql<ReleasedBatch>`
      select id, epoch, application_id as "applicationId", provider, (extract(epoch from due_at) * 1000)::float8 as due, size
      from batch
      where message_seq = ${messageSeq} and state = 'waiting' and started_at is null and due_at is not null
      order by due_at, id for update skip locked`.execute(transaction);
    if (rows.length === 0 || rate.perSecond === null) return [];
    const { placed, next } = placeBatches(rows, rate.perSecond, rate.now, quiet);
    await sql`
      update batch set state = 'ready', due_at = to_timestamp(placed.due / 1000)
      from json_to_recordset(${JSON.stringify(placed.map(({ id, due }) => ({ id, due })))}::json) as placed (id bigint, due float8)
      where batch.id = placed.id`.execute(transaction);
    await this.move(rate, rate.perSecond, Math.max(rate.nextMs, next), transaction);
    return placed.map(({ id, epoch, applicationId, provider, due }) => {
      return { id, epoch, applicationId, provider, urgent: false, delayMs: Math.max(0, due - rate.now) };
    });
  }
}

interface ReleasedBatch {
  id: number;
  epoch: number;
  applicationId: string;
  provider: ProviderName;
  due: number;
  size: number;
}
