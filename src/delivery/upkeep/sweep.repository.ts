import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { isTryDue } from '../../applications/provider-setting.repository.js';
import { DATABASE } from '../../database/database.module.js';
import type { Database } from '../../database/database.js';
import { isOfTheFuture, isWaitOver } from '../../database/waits.js';
import type { Destination, QueuedBatch } from '../batch.js';
import { LEASE_S } from '../batch.repository.js';

/**
 * A row that has waited this long for its job counts as one without a job. A false alarm adds an existing job, which
 * has no effect.
 */
const PATIENCE_S = 3;
const LIMIT = 1_000;

/**
 * How often a row has had its job in vain: 0 up to 12 s after it was due, then one more whenever the time has grown
 * fourfold. The queue may hold a job of the same name that is not worked on (delayed by a clock that has stepped back
 * since, or locked by a lost worker), so the new job gets another name. A row of a long queue gets few of them.
 */
const lateness = (since: RawBuilder<unknown>): RawBuilder<number> =>
  sql`floor(log(4.0, greatest(1, abs(extract(epoch from now() - ${since})) / ${PATIENCE_S}::float8)::numeric))::integer`;

export interface LateMessage {
  seq: number;
  late: number;
}

/** A position in the order of the parked batches. */
export interface ParkedBatch extends Destination {
  id: number;
}

/** Finds rows that want work and may have no job. Each query uses a partial index of unfinished rows. */
@Injectable()
export class SweepRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  async messagesToExpand(): Promise<LateMessage[]> {
    const { rows } = await sql<LateMessage>`
      select seq, ${lateness(sql`coalesce(expand_at, accepted_at)`)} as late from message
      where state in ('accepted', 'expanding')
        and (accepted_at < now() - make_interval(secs => ${PATIENCE_S}) or ${isOfTheFuture(sql`accepted_at`)})
        and (paused_at is null or expires_at <= now())
        and (expand_at is null or expand_at <= now() or ${isOfTheFuture(sql`waits_since`)})
      order by seq limit ${LIMIT}`.execute(this.database.kysely);
    return rows;
  }

  /** Batches that were due and not claimed; with `takeOver` also those whose lease has expired. */
  async batchesToDeliver(takeOver = true): Promise<QueuedBatch[]> {
    const { rows } = await sql<QueuedBatch>`
      (select id, epoch, application_id as "applicationId", provider, direct as urgent,
         ${lateness(sql`lease_until`)} as late from batch
       where ${takeOver} and state = 'leased' and ${isWaitOver(sql`lease_until`, LEASE_S)} limit ${LIMIT})
      union all
      (select id, epoch, application_id as "applicationId", provider, direct as urgent,
         ${lateness(sql`due_at`)} as late from batch
       where state = 'ready' and due_at < now() - make_interval(secs => ${PATIENCE_S})
       order by due_at limit ${LIMIT})`.execute(this.database.kysely);
    return rows;
  }

  /**
   * One step over batches whose due time was written before the clock stepped back: they wait as long from now on. The
   * quiet times of a message are fixed times, so a batch that would fall into one waits for its end. Each gets a new
   * epoch, because the queue holds a job for the old time under the old one. Empty if none is left.
   */
  async waitAnew(): Promise<QueuedBatch[]> {
    const { rows } = await sql<QueuedBatch>`
      with found as (
        select batch.id, now() + (due_at - batch.waits_since) as due_at, quiet
        from batch join message on message.seq = batch.message_seq
        where batch.state = 'ready' and due_at > now() and ${isOfTheFuture(sql`batch.waits_since`)}
        order by due_at limit ${LIMIT} for update of batch skip locked)
      update batch set epoch = epoch + 1, waits_since = now(), due_at = coalesce((
          select to_timestamp(max((span->>1)::float8) / 1000) from jsonb_array_elements(found.quiet) as span
          where found.due_at >= to_timestamp((span->>0)::float8 / 1000)
            and found.due_at < to_timestamp((span->>1)::float8 / 1000)), found.due_at)
      from found where batch.id = found.id
      returning batch.id, epoch, application_id as "applicationId", provider, direct as urgent,
        (extract(epoch from batch.due_at - now()) * 1000)::float8 as "delayMs"`.execute(this.database.kysely);
    return rows;
  }

  /**
   * Releases parked batches whose pause has ended. Each gets a new epoch, because the queue may hold a job for a retry
   * under the old one and accepts no second job of that name. Goes through the index by application and provider: a
   * paused one may have a million batches, which are skipped.
   */
  async unpark(): Promise<void> {
    await sql`
      with recursive lot as (
        (select application_id, provider from batch where state = 'parked' order by application_id, provider limit 1)
        union all
        select next.* from lot, lateral (
          select application_id, provider from batch
          where state = 'parked' and (application_id, provider) > (lot.application_id, lot.provider)
          order by application_id, provider limit 1) as next)
      update batch set state = 'waiting', epoch = epoch + 1 where id = any (array(
        select freed.id from lot, lateral (
          select batch.id from batch join message on message.seq = batch.message_seq
          where batch.application_id = lot.application_id and batch.provider = lot.provider and batch.state = 'parked'
            and message.paused_at is null
          limit ${LIMIT} for update of batch skip locked) as freed
        where not exists (select from provider_setting as paused
          where paused.application_id = lot.application_id and paused.provider = lot.provider
            and paused.paused_reason is not null)
          and not exists (select from application where id = lot.application_id and stopped_at is not null)))`.execute(
      this.database.kysely,
    );
  }

  /**
   * Releases one batch of each paused application and provider whose next probe is due; the claim decides which batch
   * makes the probe. A random one: any other may have no due delivery, each time again.
   */
  async unparkForTry(): Promise<void> {
    await sql`
      update batch set state = 'waiting', epoch = epoch + 1 where id = any (array(
        select freed.id from provider_setting as paused, lateral (
          select batch.id from batch join message on message.seq = batch.message_seq
          where batch.application_id = paused.application_id and batch.provider = paused.provider
            and batch.state = 'parked' and message.paused_at is null
          order by random() limit 1 for update of batch skip locked) as freed
        where paused.paused_reason is not null and ${isTryDue}))`.execute(this.database.kysely);
  }

  /**
   * Releases those of the next thousand parked batches whose message is cancelled or over, so that it can be settled.
   * Returns the last one looked at as the next start; null at the end.
   */
  async unparkOver(after: ParkedBatch | null): Promise<ParkedBatch | null> {
    const beyond = after
      ? sql`and (application_id, provider, id) > (${after.applicationId}, ${after.provider}, ${after.id})`
      : sql``;
    const { rows } = await sql<ParkedBatch>`
      with looked as (
          select application_id, provider, id from batch where state = 'parked' ${beyond}
          order by application_id, provider, id limit ${LIMIT}),
        over as (
          select batch.id from batch join message on message.seq = batch.message_seq
          where batch.id in (select id from looked) and batch.state = 'parked'
            and (message.state = 'cancelled' or message.expires_at <= now())
          for update of batch skip locked),
        freed as (
          update batch set state = 'waiting', epoch = epoch + 1 where id in (select id from over))
      select application_id as "applicationId", provider, id from looked
      order by application_id desc, provider desc, id desc limit 1`.execute(this.database.kysely);
    return rows[0] ?? null;
  }

  /** Applications and providers with batches that wait for a place in the window. */
  async destinationsWithWaiting(): Promise<Destination[]> {
    const { rows } = await sql<Destination>`
      select distinct application_id as "applicationId", provider from batch where state = 'waiting'`.execute(
      this.database.kysely,
    );
    return rows;
  }
}
