import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { Gather } from '../../common/gather.js';
import { DATABASE } from '../../database/database.module.js';
import { executePrepared } from '../../database/prepared.js';
import type { Database } from '../../database/database.js';
import { resultOf, writeTogether } from '../../database/together.js';
import type { DeliverableDevice } from '../../devices/device.repository.js';
import { BatchRepository, LEASE_S, ledgerColumns, settledState } from '../batch.repository.js';
import type { LeasedBatch } from '../batch.js';
import { CLAIMED, joined, toLeased } from './claim-row.repository.js';
import type { ClaimRow, ClaimTerms } from './claim-row.repository.js';
import { BatchLedger } from '../ledger.js';
import { OUTCOME } from '../outcome.js';

/** Batches per statement: as many as a process sends at once to one provider (deliver.processor.ts). */
const LOT = 256;
/** The columns of a batch of one delivery that is in flight. */
const BEGUN = ledgerColumns(new BatchLedger(Buffer.of(OUTCOME.inFlight), {}));

export interface UrgentClaim {
  id: number;
  needsSettings: boolean;
  now: number;
}

/**
 * Claims and ends batches of the urgent lane in lots. Backends mostly send one message to one device, whose cost for
 * the database is its statements: requests that arrive during a statement share the next one.
 */
@Injectable()
export class UrgentBatchRepository {
  private readonly claims = new Gather((lot: readonly UrgentClaim[]) => this.claimLot(lot), LOT);
  private readonly endings = new Gather((lot: readonly LeasedBatch[]) => this.endTogether(lot), LOT);

  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly batches: BatchRepository,
  ) {}

  /** Returns null if `ClaimService.claim` has to decide. */
  claim(id: number, { needsSettings }: ClaimTerms, now: number): Promise<LeasedBatch | null> {
    return this.claims.add({ id, needsSettings, now });
  }

  /**
   * Records a finished batch that is its whole message, and the message. Returns false if the lease is lost; nothing
   * was recorded then.
   */
  async end(batch: LeasedBatch): Promise<boolean> {
    return resultOf(await this.endings.add(batch));
  }

  /**
   * Leases batches with one delivery at its first attempt and without an obstacle: no cancel, pause, pace or time.
   * Returns them in the given order.
   */
  async claimLot(lot: readonly UrgentClaim[]): Promise<(LeasedBatch | null)[]> {
    // All were requested within the time of one statement.
    const now = Math.max(...lot.map((claim) => claim.now));
    const rows = await executePrepared(
      this.database.kysely,
      'claim-urgent',
      sql<UrgentRow>`
        with asked as materialized (
          select batch.* from json_array_elements_text(${JSON.stringify(lot.map(({ id }) => id))}::json) as given (id)
          cross join lateral (select * from batch where batch.id = given.id::bigint for update skip locked) as batch),
        due as (
          select ${CLAIMED}, device.seq as device_seq, device.token, device.platform, device.registered_at
          from ${joined(sql`asked`)}
          left join lateral (
            select seq, token, platform, registered_at from device
            where seq = batch.device_seqs[1] and provider = batch.provider and retired_reason is null offset 0) as device
            on true
          where batch.direct and batch.size = 1
            and batch.state = 'ready' and batch.due_at <= now() and batch.outcomes = ${Buffer.of(OUTCOME.pending)}
            and batch.details = '{}' and message.state = 'sending' and message.paused_at is null
            and application.stopped_at is null and message.expires_at > ${new Date(now)}
            and (message.send_at is null or message.send_at <= now()) and provider_setting.paused_reason is null
            and (pace.lapses_at is null or pace.lapses_at <= now()))
        update batch set state = 'leased', epoch = batch.epoch + 1, has_slot = false,
          outcomes = ${BEGUN.outcomes}, counts = ${BEGUN.counts}::integer[],
          started_at = coalesce(batch.started_at, now()), touched_at = now(),
          lease_until = now() + make_interval(secs => ${LEASE_S}::float8)
        from due where batch.id = due.id
        returning due.*`,
    );
    const byId = new Map(rows.map((row) => [row.id, row]));
    return lot.map(({ id, needsSettings }) => {
      const row = byId.get(id);
      if (!row) return null;
      // If two requests name the same batch, one gets it.
      byId.delete(id);
      const batch = toLeased(row, needsSettings, now);
      batch.due.push(...batch.ledger.begin(batch.terms));
      batch.devices = row.device_seq === null ? [] : [toDevice(row, row.device_seq)];
      return batch;
    });
  }

  private endTogether(lot: readonly LeasedBatch[]): Promise<PromiseSettledResult<boolean>[]> {
    return writeTogether(
      lot,
      () => this.endLot(lot),
      async (batch) => (await this.batches.finish(batch, { state: 'done', waitMs: null })) !== null,
    );
  }

  /** Returns results in the given order. */
  async endLot(lot: readonly LeasedBatch[]): Promise<boolean[]> {
    // In the order of ids, so that two lots with the same rows hardly deadlock.
    const told = lot
      .toSorted((a, b) => a.id - b.id)
      .map(({ id, epoch, ledger: { outcomes, details }, ledger }) => {
        return { id, epoch, outcomes: outcomes.toString('hex'), counts: ledger.counts(), details };
      });
    // The message of a whole batch has no other batch. The state is compared inside of an expression, because the
    // planner would read the index of all leases, with an entry for each lease since the last vacuum.
    const rows = await executePrepared(
      this.database.kysely,
      'end-urgent',
      sql<{ id: number }>`
        with told as (
          select * from json_to_recordset(${JSON.stringify(told)}::json)
            as told (id bigint, epoch integer, outcomes text, counts integer[], details jsonb)),
        found as materialized (
          select told.*, batch.state from told
          cross join lateral (select state from batch where batch.id = told.id offset 0) as batch),
        ended as (
          update batch set state = 'done', outcomes = decode(found.outcomes, 'hex'), counts = found.counts,
            details = found.details, touched_at = now(), lease_until = null, due_at = null
          from found where batch.id = found.id and found.state = 'leased'
            and batch.epoch = case when batch.state = 'leased' then found.epoch end
          returning batch.id, batch.message_seq, batch.counts),
        settled as (
          update message set open_batches = message.open_batches - 1, finished_at = now(), totals = ended.counts,
            state = ${settledState(sql`ended.counts`)}
          from ended where message.seq = ended.message_seq)
        select id from ended`,
    );
    const ended = new Set(rows.map(({ id }) => id));
    return lot.map(({ id }) => ended.delete(id));
  }
}

interface UrgentRow extends ClaimRow {
  /** Null, with the next three, if the device is no longer registered or the position is not a device. */
  device_seq: number | null;
  token: string;
  platform: string;
  registered_at: Date;
}

function toDevice({ token, platform, registered_at }: UrgentRow, seq: number): DeliverableDevice {
  return { seq, token, platform, registeredAt: registered_at.getTime() };
}
