import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { countRun } from '../../common/meters.js';
import { bigints } from '../../database/bigints.js';
import { DATABASE } from '../../database/database.module.js';
import type { Database } from '../../database/database.js';
import { afterCommit } from '../../database/transaction.js';
import type { Tx } from '../../database/transaction.js';
import type { Definition } from '../campaign.js';
import type { DueCampaign, Planned, PlannedRun } from './firing.js';
import type { WavePlan } from './wave.js';

/** Rows per statement: PostgreSQL takes 65,535 parameters. */
const ROWS = 1_000;

/** The client that started a manual run, and its Idempotency-Key. */
export interface RunKey {
  clientId: string;
  key: string;
}

/** A planned run of a campaign. */
export interface NewRun {
  campaign: { seq: number; applicationId: string; definition: Definition };
  run: PlannedRun;
}

/** A campaign that is due, as it is stored. */
export type ClaimedCampaign = Omit<DueCampaign, 'busy' | 'failureShare'> & Approvable;

export interface Approvable {
  definition: Definition;
  approvedRevision: string | null;
  /** Of the application: a larger audience needs approval; null: none does. */
  approvalAbove: number | null;
}

/** Columns of a campaign that a firing changes. */
export type CampaignUpdate = Pick<Planned, 'next' | 'pause'> & {
  seq: number;
  /** The campaign waits for approval, for this reason. */
  awaits?: string;
};

interface DueRow {
  seq: number;
  id: string;
  application_id: string;
  definition: Definition;
  next_at: Date;
  enabled: boolean;
  approved_revision: string | null;
  approval_above: number | null;
}

@Injectable()
export class FiringRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** The seqs of campaigns that are due, the earliest first. */
  async listDue(now: number, limit: number): Promise<number[]> {
    const rows = await this.database.kysely
      .selectFrom('campaign')
      .select('seq')
      .where('state', '=', 'active')
      .where('due_at', '<=', new Date(now))
      .orderBy('due_at')
      .limit(limit)
      .execute();
    return rows.map(({ seq }) => seq);
  }

  /**
   * Locks campaigns that are due, the earliest first; with `only`, this campaign if it is due. Campaigns that another
   * transaction has locked are passed over.
   */
  async claimDue(now: number, limit: number, tx: Tx, only: number | null = null): Promise<ClaimedCampaign[]> {
    const { rows } = await sql<DueRow>`
      select campaign.seq, campaign.id, campaign.application_id, campaign.definition, campaign.next_at,
        application.enabled, campaign.approved_revision, application.approval_above
      from campaign join application on application.id = campaign.application_id and application.removed_at is null
        and application.stopped_at is null
      where campaign.state = 'active' and campaign.due_at <= ${new Date(now)}
        and (${only}::bigint is null or campaign.seq = ${only})
      order by campaign.due_at limit ${limit} for update of campaign skip locked`.execute(tx);
    return rows.map((row) => ({
      seq: row.seq,
      id: row.id,
      applicationId: row.application_id,
      definition: row.definition,
      nextAt: row.next_at.getTime(),
      applicationEnabled: row.enabled,
      approvedRevision: row.approved_revision,
      approvalAbove: row.approval_above,
    }));
  }

  /** Holds a campaign for a run by request: no change of it comes in between. Undefined: the campaign was removed. */
  async hold(seq: number, tx: Tx): Promise<(Approvable & { applicationId: string }) | undefined> {
    const { rows } = await sql<Approvable & { applicationId: string }>`
      select campaign.application_id as "applicationId", campaign.definition,
        campaign.approved_revision as "approvedRevision", application.approval_above as "approvalAbove"
      from campaign join application on application.id = campaign.application_id
      where campaign.seq = ${seq} for share of campaign`.execute(tx);
    return rows[0];
  }

  /**
   * Inserts runs and the waves of those that fire. Returns the seqs of the runs that fire; a run that exists already is
   * left out. `manual`: the runs were started by a client.
   */
  async insertRuns(runs: readonly NewRun[], now: number, tx: Tx, manual?: { key: RunKey | null }): Promise<number[]> {
    const rows = runs.map(({ campaign, run }) => ({
      campaign_seq: campaign.seq,
      scheduled_at: new Date(run.scheduledAt),
      manual: manual !== undefined,
      client_id: manual?.key?.clientId ?? null,
      idempotency_key: manual?.key?.key ?? null,
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
        ...(await tx
          .insertInto('campaign_run')
          .values(rows.slice(at, at + ROWS))
          .onConflict((conflict) => conflict.doNothing())
          .returning(['seq', 'campaign_seq', 'scheduled_at'])
          .execute()),
      );
    const seqOf = new Map(inserted.map((row) => [`${row.campaign_seq} ${row.scheduled_at.getTime()}`, row.seq]));
    const news = runs.filter(({ campaign, run }) => seqOf.has(`${campaign.seq} ${run.scheduledAt}`));
    afterCommit(tx, () => {
      for (const { campaign, run } of news)
        countRun(campaign.applicationId, run.skipped === null ? 'fired' : 'skipped');
    });
    const fired = runs.flatMap(({ campaign, run }) => {
      const seq = seqOf.get(`${campaign.seq} ${run.scheduledAt}`);
      return seq === undefined || run.skipped !== null ? [] : [{ seq, waves: run.waves }];
    });
    const waves = fired.flatMap(({ seq, waves: plans }) => plans.map((wave) => toWaveRow(seq, wave)));
    for (let at = 0; at < waves.length; at += ROWS)
      await tx
        .insertInto('campaign_wave')
        .values(waves.slice(at, at + ROWS))
        .execute();
    return fired.map(({ seq }) => seq);
  }

  /** Writes when the campaigns fire next, or that they are finished, paused or wait. */
  async moveOn(updates: readonly CampaignUpdate[], now: number, tx: Tx): Promise<void> {
    const rows = updates.map(({ seq, next, pause, awaits }) => ({
      seq,
      state: awaits ? 'awaitingApproval' : pause === null ? (next === null ? 'finished' : 'active') : 'paused',
      reason: awaits ?? pause,
      next_at: next && new Date(next.nextAt),
      due_at: next && new Date(next.dueAt),
    }));
    await sql`
      update campaign set state = change.state, state_reason = change.reason, next_at = change.next_at,
        due_at = change.due_at, updated_at = case when change.state = 'active' then updated_at else ${new Date(now)} end
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
        as change(seq bigint, state text, reason text, next_at timestamptz, due_at timestamptz)
      where campaign.seq = change.seq`.execute(tx);
  }

  /** By campaign, the share of failed and rejected deliveries of its last run that sent anything, from 0 to 1. */
  async findFailureShares(campaignSeqs: readonly number[], tx: Tx): Promise<Map<number, number>> {
    if (campaignSeqs.length === 0) return new Map();
    // Positions of accepted, rejected, failed and unknown in the counts, from 1 (delivery/outcome.ts).
    const { rows } = await sql<{ campaign_seq: number; share: number | null }>`
      select last.campaign_seq, (
          select (sum(counts[4]) + sum(counts[5]))::float8
            / nullif(sum(counts[3]) + sum(counts[4]) + sum(counts[5]) + sum(counts[8]), 0)
          from campaign_wave wave
          join campaign_message sent on sent.wave_seq = wave.seq
          join batch on batch.message_seq = sent.message_seq
          where wave.run_seq = last.seq) as share
      from unnest(${bigints(campaignSeqs)}) as wanted(seq), lateral (
        select seq, campaign_seq from campaign_run
        where campaign_seq = wanted.seq and state in ('running', 'sent') order by scheduled_at desc limit 1) as last
      `.execute(tx);
    return new Map(rows.flatMap(({ campaign_seq: seq, share }) => (share === null ? [] : [[seq, share]])));
  }
}

function toWaveRow(runSeq: number, wave: WavePlan) {
  return {
    run_seq: runSeq,
    plan: JSON.stringify(wave),
    due_at: new Date(wave.dueAt),
    state: 'waiting' as const,
    reason: null,
  };
}
