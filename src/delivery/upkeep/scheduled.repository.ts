import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { DATABASE } from '../../database/database.module.js';
import type { Database } from '../../database/database.js';
import { insertBatches, readyOf } from '../batch-insert.repository.js';
import type { InsertedBatch } from '../batch-insert.repository.js';
import type { QueuedBatch } from '../batch.js';

/** Messages per statement: about 15 ms, also if the embedded database shares the process. */
export const LOT = 200;
/**
 * Due messages from which a lot is chosen. If one application has more due at one moment, other applications wait for
 * them.
 */
const HEAD = 10_000;
/**
 * Ids of a target, and devices of a message, up to which messages are expanded together. A larger message is expanded
 * alone.
 */
export const FEW_SCHEDULED_IDS = 10;

export interface Released {
  /** Number of released messages. */
  messages: number;
  /** Seqs of the messages that are accepted now and have to be expanded. */
  toExpand: number[];
  queued: QueuedBatch[];
}

/** Releases scheduled messages that are due. */
@Injectable()
export class ScheduledRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** Ends messages that have expired while they waited for approval: nothing of them was sent. */
  async expireAwaiting(): Promise<void> {
    await sql`
      update message set state = 'expired', finished_at = now(), totals = array[0, 0, 0, 0, 0, 0, 0, 0]
      where seq = any (array(
        select seq from message where state = 'awaitingApproval' and expires_at <= now()
        order by expires_at limit ${LOT} for update skip locked))`.execute(this.database.kysely);
  }

  /**
   * Releases a lot of due messages, with applications in turn. Messages to few devices get their batches in this
   * statement: with a look-up, a transaction and a job for each, 2,500 messages of one moment took 18 s. Larger
   * messages become `accepted` and are expanded like messages without `sendAt`. If the process is killed after this,
   * the sweeper finds the batches and accepted messages without a job. A paused message waits, at most until it
   * expires.
   */
  async release(): Promise<Released> {
    const { rows } = await sql<ReleasedRow>`
      with head as (
          select seq, application_id, send_at from message
          where state = 'scheduled' and send_at <= now() and (paused_at is null or expires_at <= now())
          order by send_at limit ${HEAD}),
        turn as materialized (
          select seq from head order by row_number() over (partition by application_id order by send_at), send_at limit ${LOT}),
        due as materialized (
          select seq, application_id, target, coalesce(target->'deviceIds', target->'userIds') as ids,
            -- With an audience: it is relayed in part. The application is there: else nothing of it is written.
            direct and audience = 0 and resend_of is null and rate_seq is null and reach_key is null and not target ? 'where'
              and exists (select from application where id = application_id and removed_at is null) as is_plain
          from message
          where seq in (select seq from turn)
            and state = 'scheduled' and send_at <= now() and (paused_at is null or expires_at <= now())
          for update skip locked),
        asked as materialized (
          select * from due where is_plain and jsonb_array_length(ids) between 1 and ${FEW_SCHEDULED_IDS}),
        member as materialized (
          -- An index look-up for each id, whatever the statistics say.
          select asked.seq as message_seq, device.seq, device.provider
          from asked, jsonb_array_elements_text(ids) as named (id), lateral (
            (select seq, provider, platform from device
              where asked.target ? 'deviceIds' and application_id = asked.application_id and device_id = named.id
                and retired_reason is null)
            union all
            (select seq, provider, platform from device
              where asked.target ? 'userIds' and application_id = asked.application_id and user_id = named.id
                and retired_reason is null limit ${FEW_SCHEDULED_IDS + 1})) as device
          where asked.target->'platforms' is null or asked.target->'platforms' ? device.platform),
        few as materialized (
          select asked.seq, asked.application_id, count(member.seq)::integer as audience,
            count(distinct member.provider)::integer as batches
          from asked left join member on member.message_seq = asked.seq
          group by asked.seq, asked.application_id having count(member.seq) <= ${FEW_SCHEDULED_IDS}),
        made as (${insertBatches(sql`
          select few.seq as message_seq, few.application_id, true as direct, member.provider, null::timestamptz as due_at,
            array_agg(member.seq order by member.seq) as device_seqs
          from few join member on member.message_seq = few.seq
          group by few.seq, few.application_id, member.provider`)}),
        moved as (
          update message set audience = coalesce(few.audience, message.audience),
            open_batches = coalesce(few.batches, message.open_batches),
            state = case when few.seq is null then 'accepted' when few.audience = 0 then 'finished' else 'sending' end,
            finished_at = case when few.audience = 0 then now() end,
            totals = case when few.audience = 0 then array[0, 0, 0, 0, 0, 0, 0, 0] end
          from due left join few on few.seq = due.seq
          where message.seq = due.seq
          returning message.seq, message.state)
      select moved.seq, moved.state = 'accepted' as "toExpand", made.id, made."applicationId", made.provider, made.urgent,
        made."delayMs"
      from moved left join made on made.message_seq = moved.seq`.execute(this.database.kysely);
    return {
      messages: new Set(rows.map(({ seq }) => seq)).size,
      toExpand: rows.filter(({ toExpand }) => toExpand).map(({ seq }) => seq),
      queued: readyOf(rows.filter((row): row is ReleasedRow & InsertedBatch => row.id !== null)),
    };
  }
}

type ReleasedRow = { seq: number; toExpand: boolean } & (InsertedBatch | { id: null });
