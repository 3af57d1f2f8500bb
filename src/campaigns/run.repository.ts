import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';
import { countDue } from '../database/due.js';
import type { Due } from '../database/due.js';
import type { RunState, WaveState } from '../database/campaign-tables.js';
import type { MessageState } from '../database/tables.js';
import { OUTCOME_NAMES } from '../delivery/outcome.js';
import type { OutcomeName } from '../delivery/outcome.js';
import type { RunKey } from './firing/firing.repository.js';
import type { WavePlan } from './firing/wave.js';

/** One firing of a campaign and its results. */
export interface Run {
  seq: number;
  scheduledAt: Date;
  manual: boolean;
  state: RunState;
  reason: string | null;
  /** How many missed firings this run, the last of them, stands for, and the time of the first. */
  missed: { count: number; from: Date } | null;
  /** Sum over its messages. */
  audience: number;
  /** Devices skipped because of the daily cap. */
  capped: number;
  outcomes: Record<OutcomeName, number>;
}

export interface RunWave {
  seq: number;
  plan: WavePlan;
  dueAt: Date;
  state: WaveState;
  reason: string | null;
  messages: RunMessage[];
}

/** The outcomes of the messages of one variant; null: the run has no variants. */
export interface RunVariant {
  variant: string | null;
  audience: number;
  outcomes: Record<OutcomeName, number>;
}

export interface RunMessage {
  messageId: string;
  state: MessageState;
  variant: string | null;
  language: string | null;
  audience: number;
}

interface RunRow {
  seq: number;
  scheduled_at: Date;
  manual: boolean;
  state: RunState;
  reason: string | null;
  audience: number;
  capped: number;
  missed_count: number | null;
  missed_from: Date | null;
  counts: number[];
}

const STEP = 1_000;
const OUTCOME_SUMS = OUTCOME_NAMES.map((_name, code) => sql`coalesce(sum(counts[${sql.lit(code + 1)}]), 0)::int`);

/** Reads and deletes runs. */
@Injectable()
export class RunRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** Newest first below a seq, or a single run. */
  async list(campaignSeq: number, which: { before: number; limit: number } | { seq: number }): Promise<Run[]> {
    const one = 'seq' in which ? sql`run.seq = ${which.seq}` : sql`run.seq < ${which.before}`;
    const { rows } = await sql<RunRow>`
      select run.seq, run.scheduled_at, run.manual, run.state, run.reason, run.missed_count, run.missed_from,
        sent.audience, sent.capped, outcome.counts
      from campaign_run run, lateral (
          select coalesce(sum(audience), 0)::int as audience, coalesce(sum(capped), 0)::int as capped,
            coalesce(array_agg(message.seq), '{}') as seqs
          from campaign_wave wave
          join campaign_message on campaign_message.wave_seq = wave.seq
          join message on message.seq = campaign_message.message_seq
          where wave.run_seq = run.seq) as sent,
        lateral (select array[${sql.join(OUTCOME_SUMS)}] as counts from batch where message_seq = any(sent.seqs)) as outcome
      where run.campaign_seq = ${campaignSeq} and ${one}
      order by run.seq desc limit ${'seq' in which ? 1 : which.limit}`.execute(this.database.reader);
    return rows.map(toRun);
  }

  /** The run that a client fired with this key. */
  async findByKey(campaignSeq: number, { clientId, key }: RunKey): Promise<number | undefined> {
    const row = await this.database.kysely
      .selectFrom('campaign_run')
      .select('seq')
      .where('campaign_seq', '=', campaignSeq)
      .where('client_id', '=', clientId)
      .where('idempotency_key', '=', key)
      .executeTakeFirst();
    return row?.seq;
  }

  /**
   * One step of forgetting the keys of runs created before a time; each key may be used again then. Returns false if
   * none was left.
   */
  async forgetKeys(before: Date): Promise<boolean> {
    const { numAffectedRows = 0n } = await sql`
      update campaign_run set idempotency_key = null where seq in (
        select seq from campaign_run where idempotency_key is not null and created_at < ${before} limit ${STEP})`.execute(
      this.database.kysely,
    );
    return numAffectedRows > 0n;
  }

  /** In order of time, without the waves of zones that have no device. */
  async listWaves(runSeq: number): Promise<RunWave[]> {
    const { rows } = await sql<{
      seq: number;
      plan: WavePlan;
      due_at: Date;
      state: WaveState;
      reason: string | null;
      messages: RunMessage[];
    }>`
      select wave.seq, wave.plan, wave.due_at, wave.state, wave.reason, coalesce((
        select jsonb_agg(jsonb_build_object('messageId', message.id, 'state', message.state, 'variant', sent.variant,
          'language', sent.language, 'audience', message.audience) order by message.seq)
        from campaign_message sent join message on message.seq = sent.message_seq
        where sent.wave_seq = wave.seq), '[]') as messages
      from campaign_wave wave where wave.run_seq = ${runSeq} and wave.state <> 'empty' order by wave.due_at, wave.seq`.execute(
      this.database.reader,
    );
    return rows.map(({ due_at: dueAt, ...row }) => ({ ...row, dueAt }));
  }

  /** The outcomes of a run by variant; null: its messages have none. */
  async listVariantOutcomes(runSeq: number): Promise<Map<string | null, Record<OutcomeName, number>>> {
    const { rows } = await sql<{ variant: string | null; counts: number[] }>`
      select sent.variant, array[${sql.join(OUTCOME_SUMS)}] as counts
      from campaign_wave wave
      join campaign_message sent on sent.wave_seq = wave.seq
      left join batch on batch.message_seq = sent.message_seq
      where wave.run_seq = ${runSeq} group by sent.variant`.execute(this.database.reader);
    return new Map(rows.map(({ variant, counts }) => [variant, toOutcomes(counts)]));
  }

  countOld(before: Date): Promise<Due> {
    return countDue(
      this.database,
      sql`campaign_run where created_at < ${before} and state <> 'running'`,
      sql`campaign_run where state <> 'running'`,
    );
  }

  /** One step of deleting runs created before a time. Returns false if none was left. */
  async removeOld(before: Date): Promise<boolean> {
    const { rows } = await sql`
      delete from campaign_run where seq in (
        select seq from campaign_run where created_at < ${before} and state <> 'running' limit ${STEP})
      returning seq`.execute(this.database.kysely);
    return rows.length > 0;
  }

  /** One step of deleting rates that neither a message nor a run uses. Returns false if none was left. */
  async removeRates(): Promise<boolean> {
    const { rows } = await sql`
      delete from message_rate where seq in (
        select seq from message_rate rate
        where not exists (select from message where message.rate_seq = rate.seq)
          and not exists (select from campaign_run where campaign_run.rate_seq = rate.seq) limit ${STEP})
      returning seq`.execute(this.database.kysely);
    return rows.length === STEP;
  }
}

function toRun(row: RunRow): Run {
  return {
    seq: row.seq,
    scheduledAt: row.scheduled_at,
    manual: row.manual,
    state: row.state,
    reason: row.reason,
    missed:
      row.missed_count === null || row.missed_from === null ? null : { count: row.missed_count, from: row.missed_from },
    audience: row.audience,
    capped: row.capped,
    outcomes: toOutcomes(row.counts),
  };
}

function toOutcomes(counts: readonly number[]): Record<OutcomeName, number> {
  return Object.fromEntries(OUTCOME_NAMES.map((name, code) => [name, counts[code] ?? 0])) as Record<
    OutcomeName,
    number
  >;
}
