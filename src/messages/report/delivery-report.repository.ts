import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { bigints } from '../../database/bigints.js';
import { DATABASE } from '../../database/database.module.js';
import type { Database } from '../../database/database.js';
import type { DeliveryDetail, DeliveryDetails, DeviceCondition } from '../../database/tables.js';
import { BATCH_SIZE } from '../../delivery/batching.js';
import { OUTCOME, OUTCOME_NAMES } from '../../delivery/outcome.js';
import type { OutcomeCode, OutcomeName } from '../../delivery/outcome.js';
import type { ProviderName } from '../../providers/provider.js';
import { conditionToSql } from '../../devices/condition.repository.js';
import type { Circumstances } from './why-not.js';

/** One delivery and its current outcome. */
export interface DeliveryReport {
  provider: ProviderName;
  outcome: OutcomeName;
  /** The provider's reason for the last failure. */
  reason?: string;
  /** How many times the delivery was sent, including a try under way. */
  attempts: number;
  retryAt?: Date;
}

export interface DeviceDelivery extends DeliveryReport {
  /** Null if the device is no longer registered. */
  device: { deviceId: string; platform: string; userId: string | null } | null;
}

export interface DeliveryFilter {
  outcome?: OutcomeCode;
  provider?: ProviderName;
  deviceSeq?: number;
}

/** The position of a delivery: batch and index in it. */
export interface DeliveryPlace {
  batchId: number;
  position: number;
}

export interface DeliveryPage {
  deliveries: DeviceDelivery[];
  /** Where the next page begins; null at the end. */
  next: DeliveryPlace | null;
}

/** One message of a device's history. */
export interface DeviceMessage extends DeliveryReport {
  batchId: number;
  messageId: string;
  alert: string;
  label: string | null;
  acceptedAt: Date;
  /** Epoch ms by name (receipts/receipt-kinds.ts); null: the device told nothing. */
  receipts: Record<string, number> | null;
}

/** How many deliveries that were not accepted have a reason. */
export interface ReasonCount {
  outcome: OutcomeName;
  provider: ProviderName;
  reason: string;
  count: number;
}

/** Deliveries whose details are all read: 0.1 s. Of more, those of evenly spread batches. */
const REASONS_READ = 100_000;
const REASONS_TOLD = 100;

/** Reads single deliveries from the bytes in batch rows. */
@Injectable()
export class DeliveryReportRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** Up to `limit` deliveries in the order of the expansion, starting at `from`. */
  async page(messageSeq: number, filter: DeliveryFilter, from: DeliveryPlace, limit: number): Promise<DeliveryPage> {
    const found: { seq: number; report: DeliveryReport }[] = [];
    let place = from;
    let next: DeliveryPlace | null = null;
    // As many batches as are certainly needed, plus the next; 9 KB each.
    const looked = Math.ceil(limit / BATCH_SIZE) + 1;
    for (let more = true; more && next === null;) {
      const batches = await this.batches(messageSeq, filter, place.batchId, looked);
      more = batches.length === looked;
      for (const batch of batches) {
        const first = batch.id === place.batchId ? place.position : 0;
        for (let position = first; position < batch.device_seqs.length && next === null; position++) {
          const seq = batch.device_seqs[position] ?? 0;
          const code = batch.outcomes[position] as OutcomeCode;
          if (filter.outcome !== undefined && code !== filter.outcome) continue;
          if (filter.deviceSeq !== undefined && seq !== filter.deviceSeq) continue;
          if (found.length === limit) next = { batchId: batch.id, position };
          else found.push({ seq, report: toReport(batch.provider, code, batch.details[position]) });
        }
        place = { batchId: batch.id + 1, position: 0 };
      }
    }
    const devices = await this.devices(found.map(({ seq }) => seq));
    return { deliveries: found.map(({ seq, report }) => ({ ...report, device: devices.get(seq) ?? null })), next };
  }

  /**
   * The reasons of all deliveries that were not accepted, the most frequent first. Of more than `read` of them, the
   * counts are estimated from evenly spread batches.
   */
  async countReasons(messageSeq: number, read = REASONS_READ): Promise<{ reasons: ReasonCount[]; exact: boolean }> {
    const accepted = sql`counts[${sql.lit(OUTCOME.accepted + 1)}]`;
    const { rows } = await sql<Omit<ReasonCount, 'outcome'> & { code: OutcomeCode; share: number }>`
      with troubled as materialized (
        select id, size - ${accepted} as others, row_number() over (order by id) as place,
          sum(size - ${accepted}) over () as total
        from batch where message_seq = ${messageSeq} and size > ${accepted}),
      chosen as (
        select id, total::float8 / sum(others) over () as share from troubled
        where place % ceil(total / ${read}::float8)::bigint = 0)
      select batch.provider, get_byte(batch.outcomes, detail.key::int) as code, detail.value->>'reason' as reason,
        share, round(count(*) * share)::int as count
      from chosen join batch using (id), jsonb_each(batch.details) as detail
      where get_byte(batch.outcomes, detail.key::int) <> ${sql.lit(OUTCOME.accepted)} and detail.value ? 'reason'
      group by provider, code, reason, share order by count desc, reason limit ${REASONS_TOLD}`.execute(
      this.database.reader,
    );
    return {
      reasons: rows.map(({ code, provider, reason, count }) => ({
        outcome: OUTCOME_NAMES[code] ?? 'pending',
        provider,
        reason,
        count,
      })),
      exact: rows.every(({ share }) => share === 1),
    };
  }

  /**
   * The messages that may have been for a device, newest first, from batches below `before`. An element is null for a
   * batch whose range includes the device without having it, or whose message is being removed: `limit` counts the
   * batches read, not those found.
   */
  async ofDevice(
    applicationId: string,
    seq: number,
    before: number,
    limit: number,
  ): Promise<{ batchId: number; message: DeviceMessage | null }[]> {
    const base = sql`((hashtextextended(${applicationId}, 0) & 1048575) << 42)`;
    const { rows } = await sql<DeviceMessageRow>`
      with candidate as materialized (
        (select id from batch where size = 1 and first_seq = ${seq} and application_id = ${applicationId} and id < ${before}
          order by id desc limit ${limit})
        union all
        (select id from (
            select id from batch where size > 1 and application_id = ${applicationId}
              and int8range(((hashtextextended(application_id, 0) & 1048575) << 42) + first_seq,
                ((hashtextextended(application_id, 0) & 1048575) << 42) + last_seq, '[]') @> (${base} + ${seq}::bigint)
            -- Planned apart: for a few of the newest it would walk back over all batches instead of asking the index.
            offset 0) as spanning
          where id < ${before} order by id desc limit ${limit})
        order by id desc limit ${limit})
      select batch.id as "batchId", batch.provider, message.id as "messageId", message.notification->>'alert' as alert,
        message.label, message.accepted_at as "acceptedAt",
        case when message.state <> 'removed' then get_byte(batch.outcomes, place.position - 1) end as code,
        batch.details->(place.position - 1)::text as detail, receipt.times as receipts
      from candidate join batch on batch.id = candidate.id
        join message on message.seq = batch.message_seq
        left join receipt on receipt.message_seq = message.seq and receipt.device_seq = ${seq},
        lateral (select array_position(batch.device_seqs, ${seq}::bigint) as position offset 0) as place
      order by batch.id desc`.execute(this.database.reader);
    return rows.map(({ code, detail, provider, ...message }) => ({
      batchId: message.batchId,
      message: code === null ? null : { ...message, ...toReport(provider, code, detail ?? undefined) },
    }));
  }

  /** The current data of a device and a message; undefined if one of them does not exist. */
  async circumstances(applicationId: string, deviceId: string, messageId: string): Promise<Circumstances | undefined> {
    const { rows } = await sql<Omit<Circumstances, 'unmet'>>`
      select message.state, message.capped, message.target, message.expand_max as "lastSeq", message.resend_of as "resendOf",
        coalesce(message.send_at, message.accepted_at) as "leftAt", device.seq, device.created_at as "createdAt",
        device.device_id as "deviceId", device.platform, device.user_id as "userId", device.broadcast,
        device.retired_at as "retiredAt", device.retired_reason as "retiredReason",
        array(select tag_name from subscription where device_seq = device.seq) as tags
      from message, device
      where message.application_id = ${applicationId} and message.id = ${messageId} and message.state <> 'removed'
        and device.application_id = ${applicationId} and device.device_id = ${deviceId}`.execute(this.database.reader);
    const [found] = rows;
    return found && { ...found, unmet: await this.findUnmet(found.seq, found.target.where ?? []) };
  }

  private async findUnmet(deviceSeq: number, where: readonly DeviceCondition[]): Promise<DeviceCondition | null> {
    if (where.length === 0) return null;
    const { rows } = await sql<{ met: boolean[] }>`
      select array[${sql.join(where.map(conditionToSql))}] as met from device
      where seq = ${deviceSeq}`.execute(this.database.reader);
    return where[rows[0]?.met.indexOf(false) ?? -1] ?? null;
  }

  private async batches(
    messageSeq: number,
    filter: DeliveryFilter,
    fromId: number,
    limit: number,
  ): Promise<BatchRow[]> {
    const { outcome, provider, deviceSeq } = filter;
    const { rows } = await sql<BatchRow>`
      select id, provider, device_seqs, outcomes, details from batch
      where message_seq = ${messageSeq} and id >= ${fromId}
        and ${provider === undefined ? sql`true` : sql`provider = ${provider}`}
        and ${outcome === undefined ? sql`true` : sql`counts[${sql.lit(outcome + 1)}] > 0`}
        and ${deviceSeq === undefined ? sql`true` : sql`${deviceSeq} between first_seq and last_seq`}
      order by id limit ${limit}`.execute(this.database.reader);
    return rows;
  }

  private async devices(seqs: readonly number[]): Promise<Map<number, NonNullable<DeviceDelivery['device']>>> {
    if (seqs.length === 0) return new Map();
    const { rows } = await sql<{ seq: number; deviceId: string; platform: string; userId: string | null }>`
      select seq, device_id as "deviceId", platform, user_id as "userId" from device
      where seq = any(${bigints(seqs)})`.execute(this.database.reader);
    return new Map(rows.map(({ seq, ...device }) => [seq, device]));
  }
}

interface BatchRow {
  id: number;
  provider: ProviderName;
  device_seqs: number[];
  outcomes: Buffer;
  details: DeliveryDetails;
}

interface DeviceMessageRow {
  batchId: number;
  provider: ProviderName;
  messageId: string;
  alert: string;
  label: string | null;
  acceptedAt: Date;
  receipts: Record<string, number> | null;
  code: OutcomeCode | null;
  detail: DeliveryDetail | null;
}

/** A delivery accepted at the first try has no details. */
function toReport(provider: ProviderName, code: OutcomeCode, detail: DeliveryDetail | undefined): DeliveryReport {
  const outcome = OUTCOME_NAMES[code] ?? 'pending';
  const attempts = (detail?.attempts ?? (outcome === 'accepted' ? 1 : 0)) + (outcome === 'inFlight' ? 1 : 0);
  return {
    provider,
    outcome,
    attempts,
    ...(detail?.reason !== undefined && { reason: detail.reason }),
    ...(detail?.retryAt ? { retryAt: new Date(detail.retryAt) } : {}),
  };
}
