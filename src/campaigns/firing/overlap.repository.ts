import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { bigints } from '../../database/bigints.js';
import type { MessageState } from '../../database/tables.js';
import type { Tx } from '../../database/transaction.js';
import { MessageControlRepository } from '../../messages/control/message-control.repository.js';

/** A message that has not ended. */
export interface MovingMessage {
  id: string;
  state: MessageState;
}

/** Finds and cancels the unfinished parts of a campaign's earlier runs. */
@Injectable()
export class OverlapRepository {
  constructor(private readonly control: MessageControlRepository) {}

  /** The campaigns with an unfinished run. */
  async findBusy(campaignSeqs: readonly number[], transaction: Tx): Promise<Set<number>> {
    if (campaignSeqs.length === 0) return new Set();
    const { rows } = await sql<{ campaign_seq: number }>`
      select distinct campaign_seq from campaign_run
      where campaign_seq = any(${bigints(campaignSeqs)}) and ${UNDER_WAY}`.execute(transaction);
    return new Set(rows.map((row) => row.campaign_seq));
  }

  /**
   * Cancels the unsent part of a campaign's runs. Locks waves before runs, the order of the statements that send waves.
   */
  async cancelRuns(campaignSeq: number, reason: string, transaction: Tx): Promise<void> {
    await sql`
      update campaign_wave set state = 'cancelled', reason = ${reason} where state = 'waiting' and run_seq in (
        select seq from campaign_run where campaign_seq = ${campaignSeq})`.execute(transaction);
    const sent = await this.findMoving(
      sql`wave.run_seq in (
      select seq from campaign_run where campaign_seq = ${campaignSeq})`,
      transaction,
    );
    await sql`
      update campaign_run set state = 'cancelled', reason = ${reason}
      where campaign_seq = ${campaignSeq} and ${UNDER_WAY}`.execute(transaction);
    for (const { application_id: applicationId, id } of sent) await this.control.cancel(applicationId, id, transaction);
  }

  /** The unfinished messages of a campaign's runs, including those of waves that another transaction is sending. */
  async listMoving(campaignSeq: number, transaction: Tx): Promise<MovingMessage[]> {
    const ofCampaign = sql`run_seq in (select seq from campaign_run where campaign_seq = ${campaignSeq})`;
    await sql`select from campaign_wave where ${ofCampaign} and state = 'waiting' for update`.execute(transaction);
    const moving = await this.findMoving(sql`wave.${ofCampaign}`, transaction);
    return moving.map(({ id, state }) => ({ id, state }));
  }

  /**
   * By wave: the waves of earlier runs, in its zones and east of them, that wait or have an unfinished message. East of
   * the zones, the earlier run is as far as this one. Waves west of them are still to come, which is no overlap.
   */
  async findEarlier(waveSeqs: readonly number[], transaction: Tx): Promise<Map<number, number[]>> {
    const found = new Map<number, number[]>();
    if (waveSeqs.length === 0) return found;
    const { rows } = await sql<{ wave_seq: number; seq: number }>`
      select distinct wave.seq as wave_seq, earlier.seq
      from campaign_wave wave
      join campaign_run run on run.seq = wave.run_seq
      join campaign_run on campaign_run.campaign_seq = run.campaign_seq
        and campaign_run.scheduled_at < run.scheduled_at and ${UNDER_WAY}
      join campaign_wave earlier on earlier.run_seq = campaign_run.seq
      join lateral ${beginOf(sql`run`)} as begin on true
      join lateral ${beginOf(sql`campaign_run`)} as earlier_begin on true
      left join campaign_message sent on sent.wave_seq = earlier.seq
      left join message on message.seq = sent.message_seq and message.state in ('accepted', 'expanding', 'sending')
      where wave.seq = any(${bigints(waveSeqs)}) and (earlier.state = 'waiting' or message.seq is not null)
        and ${momentOf(sql`earlier`)} - earlier_begin.at <= ${momentOf(sql`wave`)} - begin.at
      `.execute(transaction);
    for (const { wave_seq: waveSeq, seq } of rows) found.set(waveSeq, [...(found.get(waveSeq) ?? []), seq]);
    return found;
  }

  /** Cancels the unsent part of waves that the caller has not locked. Returns the runs of the waves that waited. */
  async cancelWaves(waveSeqs: readonly number[], reason: string, transaction: Tx): Promise<number[]> {
    if (waveSeqs.length === 0) return [];
    const seqs = bigints(waveSeqs);
    const { rows } = await sql<{ run_seq: number }>`
      update campaign_wave set state = 'skipped', reason = ${reason} where seq in (
        select seq from campaign_wave where seq = any(${seqs}) and state = 'waiting' order by seq for update)
      returning run_seq`.execute(transaction);
    // A second statement, because it sees commits that the first one waited for.
    const sent = await this.findMoving(sql`wave.seq = any(${seqs})`, transaction);
    for (const { application_id: applicationId, id } of sent) await this.control.cancel(applicationId, id, transaction);
    return rows.map((row) => row.run_seq);
  }

  private async findMoving(which: ReturnType<typeof sql>, transaction: Tx) {
    const { rows } = await sql<{ application_id: string } & MovingMessage>`
      select message.application_id, message.id, message.state from campaign_wave wave
      join campaign_message sent on sent.wave_seq = wave.seq
      join message on message.seq = sent.message_seq and message.finished_at is null
      where ${which} order by message.seq`.execute(transaction);
    return rows;
  }
}

/** When a wave was due, in epoch ms, with the jitter of its run, which the run's own time does not contain. */
function momentOf(wave: ReturnType<typeof sql>) {
  return sql`(${wave}.plan->>'scheduledAt')::float8`;
}

/** When a run began in UTC+14; the position of its waves around the world is counted from then. */
function beginOf(run: ReturnType<typeof sql>) {
  return sql`(select min(${momentOf(sql`first`)}) as at from campaign_wave first where first.run_seq = ${run}.seq)`;
}

/** A condition on `campaign_run`. The subquery of messages comes first, because few messages are unfinished. */
const UNDER_WAY = sql`(campaign_run.state = 'running' or campaign_run.seq in (
  select wave.run_seq from message
  join campaign_message sent on sent.message_seq = message.seq
  join campaign_wave wave on wave.seq = sent.wave_seq
  where message.state in ('accepted', 'expanding', 'sending')))`;
