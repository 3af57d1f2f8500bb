import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { bigints } from '../../database/bigints.js';
import type { Tx } from '../../database/transaction.js';
import type { Definition } from '../campaign.js';
import type { WavePlan } from './wave.js';
import type { DueWave, SettledWave } from './wave-outcome.js';

interface WaveRow {
  seq: number;
  run_seq: number;
  plan: WavePlan;
  due_at: Date;
  scheduled_at: Date;
  manual: boolean;
  rate_seq: number | null;
  campaign_seq: number;
  campaign_id: string;
  application_id: string;
  client_id: string;
  definition: Definition;
  enabled: boolean;
  counted: boolean;
}

/** Which message a wave was sent as. */
export interface WaveMessageLink {
  waveSeq: number;
  messageSeq: number;
  variant: string | null;
  language: string | null;
}

@Injectable()
export class WaveRepository {
  /** Locks waves that are due, the earliest first. Waves that another transaction has locked are passed over. */
  claimDue(now: number, limit: number, tx: Tx): Promise<DueWave[]> {
    return this.claim(now, sql`true`, sql`limit ${limit}`, tx);
  }

  /** Like `claimDue`: one wave, if it is due. */
  claimOne(seq: number, now: number, tx: Tx): Promise<DueWave[]> {
    return this.claim(now, sql`wave.seq = ${seq}`, sql``, tx);
  }

  /** Like `claimDue`: all waves of these runs that are due. */
  claimOfRuns(runSeqs: readonly number[], now: number, tx: Tx): Promise<DueWave[]> {
    return this.claim(now, sql`wave.run_seq = any(${bigints(runSeqs)})`, sql``, tx);
  }

  /** The waves of a paused campaign stay waiting, except those of a manual run. */
  private async claim(now: number, which: RawBuilder<unknown>, limit: RawBuilder<unknown>, tx: Tx): Promise<DueWave[]> {
    const { rows } = await sql<WaveRow>`
      select wave.seq, wave.run_seq, wave.plan, wave.due_at, run.scheduled_at, run.manual, run.rate_seq,
        campaign.seq as campaign_seq, campaign.id as campaign_id, campaign.application_id, campaign.client_id, coalesce(run.definition, campaign.definition) as definition,
        application.enabled, exists (select from campaign capped where capped.application_id = campaign.application_id
          and capped.state = 'active' and capped.daily_cap is not null) as counted
      from campaign_wave wave
      join campaign_run run on run.seq = wave.run_seq
      join campaign on campaign.seq = run.campaign_seq
      join application on application.id = campaign.application_id and application.removed_at is null
        and application.stopped_at is null
      where wave.state = 'waiting' and wave.due_at <= ${new Date(now)} and ${which}
        and (campaign.state in ('active', 'finished') or run.manual)
      order by wave.due_at, wave.seq ${limit} for update of wave skip locked`.execute(tx);
    return rows.map(toWave);
  }

  /** The rate that all waves of a run share. */
  async setRate(runSeq: number, rateSeq: number, tx: Tx): Promise<void> {
    await tx.updateTable('campaign_run').set({ rate_seq: rateSeq }).where('seq', '=', runSeq).execute();
  }

  async linkMessages(links: readonly WaveMessageLink[], tx: Tx): Promise<void> {
    // As JSON: PostgreSQL takes 65,535 parameters, and a hundred campaigns can have more messages than that allows
    // rows.
    await sql`
      insert into campaign_message (wave_seq, message_seq, variant, language)
      select "waveSeq", "messageSeq", variant, language from jsonb_to_recordset(${JSON.stringify(links)}::jsonb)
        as link("waveSeq" bigint, "messageSeq" bigint, variant text, language text)`.execute(tx);
  }

  /** Writes the waves, and ends the runs that have no waiting wave left; also among `touchedRuns`. */
  async settle(settled: readonly SettledWave[], touchedRuns: readonly number[], tx: Tx): Promise<void> {
    const changes = settled.map(({ seq, state, reason, dueAt }) => ({ seq, state, reason, due_at: new Date(dueAt) }));
    const runs = bigints([...touchedRuns, ...settled.map(({ runSeq }) => runSeq)]);
    // Without the lock, two processes with the last two waves of a run would each see the other's wave as waiting, and
    // the run would never end.
    await sql`select from campaign_run where seq = any(${runs}) order by seq for update`.execute(tx);
    await sql`
      update campaign_wave set state = change.state, reason = change.reason, due_at = change.due_at
      from jsonb_to_recordset(${JSON.stringify(changes)}::jsonb)
        as change(seq bigint, state text, reason text, due_at timestamptz)
      where campaign_wave.seq = change.seq`.execute(tx);
    await sql`
      update campaign_run set definition = null,
        state = case when exists (select from campaign_wave wave where wave.run_seq = campaign_run.seq
          and wave.state in ('sent', 'empty')) then 'sent' else 'skipped' end,
        reason = (select reason from campaign_wave wave where wave.run_seq = campaign_run.seq
          and reason is not null order by seq limit 1)
      where seq = any(${runs}) and state = 'running'
        and not exists (select from campaign_wave wave where wave.run_seq = campaign_run.seq and wave.state = 'waiting')
      `.execute(tx);
  }
}

function toWave(row: WaveRow): DueWave {
  return {
    seq: row.seq,
    runSeq: row.run_seq,
    plan: row.plan,
    dueAt: row.due_at.getTime(),
    scheduledAt: row.scheduled_at.getTime(),
    manual: row.manual,
    rateSeq: row.rate_seq,
    applicationEnabled: row.enabled,
    counted: row.counted,
    campaignSeq: row.campaign_seq,
    campaignId: row.campaign_id,
    applicationId: row.application_id,
    clientId: row.client_id,
    definition: row.definition,
  };
}
