import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Tables } from '../../database/tables.js';
import { wentBackBy } from '../../database/waits.js';
import type { Tx } from '../../database/transaction.js';

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
}
