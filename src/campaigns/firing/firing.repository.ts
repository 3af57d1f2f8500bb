import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { Transaction } from 'kysely';
import { rootCause } from '../../common/errors.js';
import { bigints } from '../../database/bigints.js';
import { DATABASE } from '../../database/database.module.js';
import type { Database } from '../../database/database.js';
import type { Tables } from '../../database/tables.js';
import { OVERTAKEN, runOverlap } from '../campaign.js';
import type { Definition } from '../campaign.js';
import type { DueCampaign, Planned, PlannedRun } from './firing.js';
import { OverlapRepository } from './overlap.repository.js';
import { isRefused } from './refused.js';
import type { WavePlan } from './wave.js';
import { WaveRepository } from './wave.repository.js';
import type { Sent, WaveReader } from './wave.repository.js';

/** Campaigns of one transaction: some 50 ms. */
const LIMIT = 100;
/** Of one statement: PostgreSQL takes 65,535 parameters. */
const ROWS = 1_000;

/** Plans what becomes of a campaign; a plan that cannot be made pauses the campaign, with the reason. */
export type Planner = (campaign: DueCampaign) => Planned;

/** The Idempotency-Key of a run by hand, and whose it is. */
export interface RunKey {
  clientId: string;
  key: string;
}

interface DueRow {
  seq: number;
  id: string;
  application_id: string;
  definition: Definition;
  next_at: Date;
  enabled: boolean;
}

/**
 * Fires what is due. A firing is a row under a unique key, and its messages are made in the transaction that makes it; the
 * campaign is locked meanwhile and passed over by others. So any number of processes, whatever their clocks say and
 * whenever they die, make it once.
 */
@Injectable()
export class FiringRepository {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly waves: WaveRepository,
    private readonly overlaps: OverlapRepository,
  ) {}

  /** Fires some of the campaigns that are due. `more`: there may be others. */
  async fireDue(now: number, plan: Planner, read: WaveReader): Promise<Sent & { more: boolean }> {
    try {
      return await this.fireSome(now, plan, read);
    } catch (error) {
      if (!isRefused(error)) throw error;
      return this.fireEach(now, plan, read);
    }
  }

  /** One by one: what cannot be kept pauses its campaign, with the reason, and stops nobody else. */
  private async fireEach(now: number, plan: Planner, read: WaveReader): Promise<Sent & { more: boolean }> {
    const due = await this.database.kysely
      .selectFrom('campaign')
      .select('seq')
      .where('state', '=', 'active')
      .where('due_at', '<=', new Date(now))
      .orderBy('due_at')
      .limit(LIMIT)
      .execute();
    const messageSeqs: number[] = [];
    for (const { seq } of due)
      try {
        messageSeqs.push(...(await this.fireSome(now, plan, read, seq)).messageSeqs);
      } catch (error) {
        if (!isRefused(error)) throw error;
        const pause = { runs: [], next: null, pause: rootCause(error), cancelEarlier: false };
        await this.fireSome(now, () => pause, read, seq);
      }
    return { messageSeqs, more: false };
  }

  private fireSome(
    now: number,
    plan: Planner,
    read: WaveReader,
    only: number | null = null,
  ): Promise<Sent & { more: boolean }> {
    return this.database.kysely.transaction().execute(async (transaction) => {
      const { rows } = await sql<DueRow>`
        select campaign.seq, campaign.id, campaign.application_id, campaign.definition, campaign.next_at,
          application.enabled
        from campaign join application on application.id = campaign.application_id and application.removed_at is null
          and application.stopped_at is null
        where campaign.state = 'active' and campaign.due_at <= ${new Date(now)}
          and (${only}::bigint is null or campaign.seq = ${only})
        order by campaign.due_at limit ${LIMIT} for update of campaign skip locked`.execute(transaction);
      if (rows.length === 0) return { messageSeqs: [], more: false };
      const careful = rows.filter(({ definition }) => runOverlap(definition) !== 'allow').map(({ seq }) => seq);
      const busy = await this.overlaps.findBusy(careful, transaction);
      const shares = await this.findFailureShares(rows, transaction);
      const runs: { campaign: DueRow; run: PlannedRun }[] = [];
      const changes: CampaignChange[] = [];
      for (const row of rows) {
        const planned = plan({
          seq: row.seq,
          id: row.id,
          applicationId: row.application_id,
          definition: row.definition,
          nextAt: row.next_at.getTime(),
          applicationEnabled: row.enabled,
          busy: busy.has(row.seq),
          failureShare: shares.get(row.seq) ?? null,
        });
        if (planned.cancelEarlier && busy.has(row.seq)) await this.overlaps.cancelRuns(row.seq, OVERTAKEN, transaction);
        runs.push(...planned.runs.map((run) => ({ campaign: row, run })));
        changes.push({ seq: row.seq, ...planned });
      }
      const seqs = await this.insertRuns(runs, now, transaction);
      await this.moveOn(changes, now, transaction);
      const sent = await this.waves.sendDue(now, read, transaction, seqs);
      return { messageSeqs: sent.messageSeqs, more: rows.length === LIMIT };
    });
  }

  /**
   * Fires a campaign now, beside its schedule. Answers the run; null when one was fired under the key, or in this very
   * millisecond. `busy`: an earlier run is still under way.
   */
  fireNow(
    campaign: { seq: number; definition: Definition },
    now: number,
    waves: WavePlan[],
    read: WaveReader,
    key: RunKey | null = null,
  ): Promise<Sent & { runSeq: number | null; busy: boolean }> {
    return this.database.kysely.transaction().execute(async (transaction) => {
      const busy = await this.overlaps.findBusy([campaign.seq], transaction);
      const run: PlannedRun = { scheduledAt: now, skipped: null, waves };
      const seqs = await this.insertRuns([{ campaign, run }], now, transaction, { key });
      const sent = await this.waves.sendDue(now, read, transaction, seqs);
      return { messageSeqs: sent.messageSeqs, runSeq: seqs[0] ?? null, busy: busy.size > 0 };
    });
  }

  /** Inserts what is not there yet; answers the runs that fire. `byHand`: without it they are of the schedule. */
  private async insertRuns(
    runs: readonly { campaign: { seq: number; definition: Definition }; run: PlannedRun }[],
    now: number,
    transaction: Transaction<Tables>,
    byHand?: { key: RunKey | null },
  ): Promise<number[]> {
    const rows = runs.map(({ campaign, run }) => ({
      campaign_seq: campaign.seq,
      scheduled_at: new Date(run.scheduledAt),
      manual: byHand !== undefined,
      client_id: byHand?.key?.clientId ?? null,
      idempotency_key: byHand?.key?.key ?? null,
      state: run.skipped === null ? ('running' as const) : ('skipped' as const),
      reason: run.skipped,
      definition: run.waves.some(({ dueAt }) => dueAt > now) ? JSON.stringify(campaign.definition) : null,
      rate_seq: null,
      missed_count: run.missed?.count ?? null,
      missed_from: run.missed === undefined ? null : new Date(run.missed.from),
      created_at: new Date(now),
    }));
    const inserted: { seq: number; campaign_seq: number; scheduled_at: Date }[] = [];
    for (let at = 0; at < rows.length; at += ROWS)
      inserted.push(
        ...(await transaction
          .insertInto('campaign_run')
          .values(rows.slice(at, at + ROWS))
          .onConflict((conflict) => conflict.doNothing())
          .returning(['seq', 'campaign_seq', 'scheduled_at'])
          .execute()),
      );
    const seqOf = new Map(inserted.map((row) => [`${row.campaign_seq} ${row.scheduled_at.getTime()}`, row.seq]));
    const fired = runs.flatMap(({ campaign, run }) => {
      const seq = seqOf.get(`${campaign.seq} ${run.scheduledAt}`);
      return seq === undefined || run.skipped !== null ? [] : [{ seq, waves: run.waves }];
    });
    const waves = fired.flatMap(({ seq, waves: plans }) => plans.map((wave) => toWaveRow(seq, wave)));
    for (let at = 0; at < waves.length; at += ROWS)
      await transaction
        .insertInto('campaign_wave')
        .values(waves.slice(at, at + ROWS))
        .execute();
    return fired.map(({ seq }) => seq);
  }

  private async moveOn(
    changes: readonly CampaignChange[],
    now: number,
    transaction: Transaction<Tables>,
  ): Promise<void> {
    const rows = changes.map(({ seq, next, pause }) => ({
      seq,
      state: pause === null ? (next === null ? 'finished' : 'active') : 'paused',
      reason: pause,
      next_at: next && new Date(next.nextAt),
      due_at: next && new Date(next.dueAt),
    }));
    await sql`
      update campaign set state = change.state, state_reason = change.reason, next_at = change.next_at,
        due_at = change.due_at, updated_at = case when change.state = 'active' then updated_at else ${new Date(now)} end
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
        as change(seq bigint, state text, reason text, next_at timestamptz, due_at timestamptz)
      where campaign.seq = change.seq`.execute(transaction);
  }

  /** Of the campaigns that care: how much of the last run that sent anything has failed or was rejected. */
  private async findFailureShares(
    rows: readonly DueRow[],
    transaction: Transaction<Tables>,
  ): Promise<Map<number, number>> {
    const seqs = rows.filter(({ definition }) => definition.policies?.pauseAtFailureShare !== undefined);
    if (seqs.length === 0) return new Map();
    // Positions of accepted, rejected, failed and unknown in the counts, from 1 (delivery/outcome.ts).
    const { rows: found } = await sql<{ campaign_seq: number; share: number | null }>`
      select last.campaign_seq, (
          select (sum(counts[4]) + sum(counts[5]))::float8
            / nullif(sum(counts[3]) + sum(counts[4]) + sum(counts[5]) + sum(counts[8]), 0)
          from campaign_wave wave
          join campaign_message sent on sent.wave_seq = wave.seq
          join batch on batch.message_seq = sent.message_seq
          where wave.run_seq = last.seq) as share
      from unnest(${bigints(seqs.map(({ seq }) => seq))}) as wanted(seq), lateral (
        select seq, campaign_seq from campaign_run
        where campaign_seq = wanted.seq and state in ('running', 'sent') order by scheduled_at desc limit 1) as last
      `.execute(transaction);
    return new Map(found.flatMap(({ campaign_seq: seq, share }) => (share === null ? [] : [[seq, share]])));
  }
}

type CampaignChange = Pick<Planned, 'next' | 'pause'> & { seq: number };

function toWaveRow(runSeq: number, wave: WavePlan) {
  return {
    run_seq: runSeq,
    plan: JSON.stringify(wave),
    due_at: new Date(wave.dueAt),
    state: 'waiting' as const,
    reason: null,
  };
}
