import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';
import type { Lot, QueuedBatch } from './batch.js';

/** A row that has waited this long for its job is taken for one without. A false alarm adds a job that exists: no harm. */
const PATIENCE_S = 3;
const LIMIT = 1_000;

/** Looks for rows that want work and may have no job. Each query runs on a partial index of unfinished rows. */
@Injectable()
export class SweepRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  async messagesToExpand(): Promise<number[]> {
    const { rows } = await sql<{ seq: number }>`
      select seq from message
      where state in ('accepted', 'expanding') and accepted_at < now() - make_interval(secs => ${PATIENCE_S})
        and (paused_at is null or expires_at <= now()) and (expand_at is null or expand_at <= now())
      order by seq limit ${LIMIT}`.execute(this.database.kysely);
    return rows.map((row) => row.seq);
  }

  /**
   * Lets scheduled messages leave whose time has come; answers their seqs. Killed after this, they are accepted messages
   * without a job. One that is paused waits, at most until it expires.
   */
  async releaseScheduled(): Promise<number[]> {
    const { rows } = await sql<{ seq: number }>`
      update message set state = 'accepted' where seq in (
        select seq from message
        where state = 'scheduled' and send_at <= now() and (paused_at is null or expires_at <= now())
        order by send_at limit ${LIMIT} for update skip locked)
      returning seq`.execute(this.database.kysely);
    return rows.map((row) => row.seq);
  }

  /** Leases that ran out, and batches that were due and not taken. */
  async batchesToDeliver(): Promise<QueuedBatch[]> {
    const { rows } = await sql<QueuedBatch>`
      (select id, epoch, provider, direct from batch where state = 'leased' and lease_until < now() limit ${LIMIT})
      union all
      (select id, epoch, provider, direct from batch
       where state = 'ready' and due_at < now() - make_interval(secs => ${PATIENCE_S})
       order by due_at limit ${LIMIT})`.execute(this.database.kysely);
    return rows;
  }

  /**
   * Lets parked batches wait again whose pause has ended, or whose message has (so that it can be settled). A new epoch,
   * because the queue may still hold a job for a retry under the old one, and takes no second of that name.
   */
  async unpark(): Promise<void> {
    await sql`
      update batch set state = 'waiting', epoch = epoch + 1 where id in (
        select batch.id from batch
        join message on message.seq = batch.message_seq
        left join provider_setting on provider_setting.application_id = batch.application_id
          and provider_setting.provider = batch.provider
        where batch.state = 'parked' and (provider_setting.paused_reason is null and message.paused_at is null
          or message.state = 'cancelled' or message.expires_at <= now())
        limit ${LIMIT} for update of batch skip locked)`.execute(this.database.kysely);
  }

  /** Where batches wait for a place in the window. */
  async lotsWithWaiting(): Promise<Lot[]> {
    const { rows } = await sql<Lot>`
      select distinct application_id as "applicationId", provider from batch where state = 'waiting'`.execute(
      this.database.kysely,
    );
    return rows;
  }

  /** A key is kept for 24 hours; then it may name another message. */
  async forgetIdempotencyKeys(): Promise<void> {
    await sql`
      update message set idempotency_key = null where seq in (
        select seq from message
        where idempotency_key is not null and accepted_at < now() - interval '24 hours' limit ${LIMIT})`.execute(
      this.database.kysely,
    );
  }
}
