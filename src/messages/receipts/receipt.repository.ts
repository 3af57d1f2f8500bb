import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { DATABASE } from '../../database/database.module.js';
import type { DeliveryOfToken } from '../../applications/receipt-token.js';
import { executePrepared } from '../../database/prepared.js';
import type { Database } from '../../database/database.js';

/** A receipt for one message from one device. */
export interface NewReceipt {
  applicationId: string;
  messageId: string;
  /** The device, or the delivery that a receipt token names. */
  by: { deviceId: string } | DeliveryOfToken;
  /** Of receipt-kinds.ts. */
  names: readonly string[];
}

/** `reached`: the message has a delivery to the device, and the receipt is recorded, now or before. */
export interface ReceiptPlace {
  hasMessage: boolean;
  hasDevice: boolean;
  reached: boolean;
}

/** Up to this audience, all batches of the message are looked at; of a larger message, those that span the device. */
const SMALL = 5_000;
/** Names of one device and message; further ones are not recorded. */
const MOST_NAMES = 16;

@Injectable()
export class ReceiptRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /**
   * One statement for many receipts. Counts what a receipt adds to the device's earlier ones, so that each kind of a
   * device counts once. Returns results in the given order. The message stays locked against its removal meanwhile.
   */
  async add(receipts: readonly NewReceipt[]): Promise<ReceiptPlace[]> {
    const given = receipts.map(({ by, ...receipt }, place) => ({ place, ...receipt, ...by }));
    const rows = await executePrepared(
      this.database.kysely,
      'receipts',
      sql<ReceiptPlace>`
        with given as materialized (
          select * from json_to_recordset(${JSON.stringify(given)}::json)
            as given (place integer, "applicationId" text, "messageId" text, "deviceId" text, "batchId" bigint,
              position integer, names text[])),
        meant as materialized (
          select asked."applicationId", asked."messageId", message.seq, message.audience
          from (select distinct "applicationId", "messageId" from given) as asked
          cross join lateral (
            select seq, audience from message where application_id = asked."applicationId" and id = asked."messageId"
              and state <> 'removed' for key share) as message),
        looked as materialized (
          select given.place, given.names, given."applicationId", meant.seq as message_seq, device.seq as device_seq,
            ${IS_REACHED} as reached
          from given left join meant using ("applicationId", "messageId")
          left join lateral (
            (select seq from device where application_id = given."applicationId" and device_id = given."deviceId")
            union all
            (select device.seq from batch join device on device.seq = batch.device_seqs[given.position + 1]
              where batch.id = given."batchId" and batch.message_seq = meant.seq)) as device on true),
        merged as (
          select message_seq, device_seq,
            jsonb_object_agg(name, floor(extract(epoch from clock_timestamp()) * 1000)::bigint) as times
          from looked cross join lateral unnest(names) as name where reached group by message_seq, device_seq),
        written as (
          insert into receipt as kept (message_seq, device_seq, times, added)
          select message_seq, device_seq, times, times from merged order by message_seq, device_seq
          on conflict (message_seq, device_seq) do update set times = excluded.times || kept.times,
            added = excluded.times - array(select jsonb_object_keys(kept.times))
          where not kept.times ?& array(select jsonb_object_keys(excluded.times))
            and (select count(*) from jsonb_object_keys(kept.times)) < ${MOST_NAMES}
          returning message_seq, device_seq, added),
        news as materialized (
          select message_seq, name, count(*)::integer as count
          from written cross join lateral jsonb_object_keys(added) as name group by message_seq, name),
        counted as (
          insert into receipt_count as kept (message_seq, name, count)
          select message_seq, name, count from news order by message_seq, name
          on conflict (message_seq, name) do update set count = kept.count + excluded.count),
        noted as (
          insert into statistic_change (application_id, name, counts)
          select "applicationId", 'receipt', array[${sumOf('displayed')}, ${sumOf('opened')}, ${sumOf('dismissed')},
            coalesce(sum(count) filter (where name like 'action:%'), 0)]
          from news join meant on meant.seq = news.message_seq group by "applicationId")
        select message_seq is not null as "hasMessage", device_seq is not null as "hasDevice", reached
        from looked order by place`,
    );
    return rows;
  }
}

const sumOf = (name: string) => sql`coalesce(sum(count) filter (where name = ${sql.lit(name)}), 0)`;

const APPLICATION = sql`((hashtextextended(given."applicationId", 0) & 1048575) << 42)`;

/**
 * Whether a batch of the message has the device; that of a receipt token has. The ranges are those of the index
 * batch_reach (0013).
 */
const IS_REACHED = sql`coalesce(
  case when given."batchId" is not null then true when meant.audience <= ${sql.lit(SMALL)} then exists (
    select from batch where message_seq = meant.seq and device.seq between first_seq and last_seq
      and device.seq = any(device_seqs))
  else exists (
    select from batch where size > 1 and application_id = given."applicationId"
      and int8range(((hashtextextended(application_id, 0) & 1048575) << 42) + first_seq,
        ((hashtextextended(application_id, 0) & 1048575) << 42) + last_seq, '[]') @> (${APPLICATION} + device.seq)
      and message_seq = meant.seq and device.seq = any(device_seqs))
    or exists (select from batch where size = 1 and first_seq = device.seq and message_seq = meant.seq)
  end and meant.seq is not null and device.seq is not null, false)`;
