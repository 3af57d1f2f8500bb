import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { Transaction } from 'kysely';
import { bigints } from '../../database/bigints.js';
import { rootCause } from '../../common/errors.js';
import { DATABASE } from '../../database/database.module.js';
import type { Database } from '../../database/database.js';
import type { WaveState } from '../../database/campaign-tables.js';
import type { Tables } from '../../database/tables.js';
import { MessageRateRepository } from '../../delivery/expand/message-rate.repository.js';
import { reachKey } from '../../delivery/expand/reach.js';
import { AudienceRepository } from '../../devices/audience.repository.js';
import { MessageRepository } from '../../messages/send/message.repository.js';
import type { NewMessage } from '../../messages/send/new-message.js';
import { OVERTAKEN, waveOverlap } from '../campaign.js';
import type { Definition } from '../campaign.js';
import { OverlapRepository } from './overlap.repository.js';
import { isRefused } from './refused.js';
import type { WaveDecision, WavePlan } from './wave.js';
import { isOver, overtake, settle } from './wave-outcome.js';

/** Waves of one transaction. */
const LIMIT = 50;

/** A wave whose time has come. Times are epoch ms. */
export interface DueWave {
  seq: number;
  runSeq: number;
  plan: WavePlan;
  dueAt: number;
  /** The run's moment in the schedule; of a run by hand, when that was. */
  scheduledAt: number;
  manual: boolean;
  /** In the recipients' time: an earlier run is still under way in these zones. */
  busy: boolean;
  applicationEnabled: boolean;
  campaignId: string;
  applicationId: string;
  clientId: string;
  definition: Definition;
}

/** A message of a wave that is to be kept. */
export interface ComposedMessage {
  variant: string | null;
  language: string | null;
  message: NewMessage;
}

/** What becomes of a wave. `empty`: no device is in its zones. */
export type WaveOutcome =
  Exclude<WaveDecision, { do: 'send' }> | { do: 'send'; messages: ComposedMessage[] } | { do: 'empty' };

/** What the rows mean is for the rules to say, which know no SQL. `named`: the time zones that the application's devices name. */
export type WaveReader = (wave: DueWave, named: readonly string[], now: number) => WaveOutcome;

/** Messages that are kept and want to be expanded. */
export interface Sent {
  messageSeqs: number[];
}

/** Of the waves that are due, those of these runs, or these themselves. */
interface Only {
  column: 'wave.run_seq' | 'wave.seq';
  seqs: readonly number[];
}

interface WaveRow {
  seq: number;
  run_seq: number;
  plan: WavePlan;
  due_at: Date;
  scheduled_at: Date;
  manual: boolean;
  rate_seq: number | null;
  campaign_id: string;
  application_id: string;
  client_id: string;
  definition: Definition;
  enabled: boolean;
  counted: boolean;
}

interface Settled {
  seq: number;
  runSeq: number;
  state: WaveState;
  reason: string | null;
  dueAt: number;
}

/** Sends waves: each is locked, and its messages are made in the transaction that marks it as sent. */
@Injectable()
export class WaveRepository {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly audience: AudienceRepository,
    private readonly messages: MessageRepository,
    private readonly rates: MessageRateRepository,
    private readonly overlaps: OverlapRepository,
  ) {}

  /** Sends some of the waves that are due: in a transaction given, those of its runs. `more`: there may be others. */
  async sendDue(
    now: number,
    read: WaveReader,
    transaction?: Transaction<Tables>,
    runSeqs?: readonly number[],
  ): Promise<Sent & { more: boolean }> {
    if (transaction) return this.sendSome(now, read, transaction, runSeqs && { column: 'wave.run_seq', seqs: runSeqs });
    try {
      return await this.database.kysely.transaction().execute((own) => this.sendSome(now, read, own));
    } catch (error) {
      if (!isRefused(error)) throw error;
      return this.sendEach(now, read);
    }
  }

  /** One by one: a wave that cannot be kept is skipped, with the reason, and stops nobody else. */
  private async sendEach(now: number, read: WaveReader): Promise<Sent & { more: boolean }> {
    const { kysely } = this.database;
    const due = await kysely.transaction().execute((transaction) => this.claim(now, transaction));
    const messageSeqs: number[] = [];
    for (const { seq } of due) {
      const send = (reader: WaveReader) =>
        kysely.transaction().execute((own) => this.sendSome(now, reader, own, { column: 'wave.seq', seqs: [seq] }));
      try {
        messageSeqs.push(...(await send(read)).messageSeqs);
      } catch (error) {
        if (!isRefused(error)) throw error;
        await send(() => ({ do: 'skip', reason: rootCause(error) }));
      }
    }
    return { messageSeqs, more: false };
  }

  private async sendSome(
    now: number,
    read: WaveReader,
    transaction: Transaction<Tables>,
    only?: Only,
  ): Promise<Sent & { more: boolean }> {
    if (only?.seqs.length === 0) return { messageSeqs: [], more: false };
    const rows = await this.claim(now, transaction, only);
    if (rows.length === 0) return { messageSeqs: [], more: false };
    const zones = await this.findZones(rows, transaction);
    const careful = rows.filter(({ definition, manual }) => !manual && waveOverlap(definition) !== 'allow');
    const earlier = await this.overlaps.findEarlier(
      careful.map(({ seq }) => seq),
      transaction,
    );
    // Earlier waves come first, so that what becomes of them in this round is known.
    const outcomes = new Map<number, WaveOutcome>();
    for (const row of rows) {
      const busy = (earlier.get(row.seq) ?? []).some((seq) => !isOver(outcomes.get(seq)));
      outcomes.set(row.seq, read(toWave(row, busy), zones.get(row.application_id) ?? [], now));
    }
    const overtaken = careful
      .filter(({ definition }) => waveOverlap(definition) === 'cancel')
      .flatMap(({ seq }) => overtake(seq, earlier.get(seq) ?? [], outcomes));
    const touchedRuns = await this.overlaps.cancelWaves(overtaken, OVERTAKEN, transaction);
    const settled: Settled[] = [];
    const composed: (ComposedMessage & { row: WaveRow })[] = [];
    for (const row of rows) {
      const outcome = outcomes.get(row.seq) ?? { do: 'empty' };
      settled.push({ seq: row.seq, runSeq: row.run_seq, dueAt: row.due_at.getTime(), ...settle(outcome) });
      if (outcome.do === 'send') composed.push(...outcome.messages.map((each) => ({ ...each, row })));
    }
    await this.addTerms(composed, now, transaction);
    const messageSeqs = await this.messages.acceptWithin(
      composed.map(({ message }) => message),
      transaction,
    );
    const links = composed.map(({ row, variant, language }, index) => ({
      wave_seq: row.seq,
      message_seq: messageSeqs[index] ?? 0,
      variant,
      language,
    }));
    // As JSON: PostgreSQL takes 65,535 parameters, and a hundred campaigns have more messages than that makes rows.
    await sql`
      insert into campaign_message (wave_seq, message_seq, variant, language)
      select wave_seq, message_seq, variant, language from jsonb_to_recordset(${JSON.stringify(links)}::jsonb)
        as link(wave_seq bigint, message_seq bigint, variant text, language text)`.execute(transaction);
    await this.settleWaves(settled, touchedRuns, transaction);
    return { messageSeqs, more: rows.length === LIMIT };
  }

  /** A campaign that is paused keeps its waves waiting; one that a person fired by hand goes on. */
  private async claim(now: number, transaction: Transaction<Tables>, only?: Only): Promise<WaveRow[]> {
    const which = only ? sql`${sql.ref(only.column)} = any(${bigints(only.seqs)})` : sql`true`;
    const limit = only ? sql`` : sql`limit ${LIMIT}`;
    const { rows } = await sql<WaveRow>`
      select wave.seq, wave.run_seq, wave.plan, wave.due_at, run.scheduled_at, run.manual, run.rate_seq, campaign.id as campaign_id,
        campaign.application_id, campaign.client_id, coalesce(run.definition, campaign.definition) as definition,
        application.enabled, exists (select from campaign capped where capped.application_id = campaign.application_id
          and capped.state = 'active' and capped.daily_cap is not null) as counted
      from campaign_wave wave
      join campaign_run run on run.seq = wave.run_seq
      join campaign on campaign.seq = run.campaign_seq
      join application on application.id = campaign.application_id and application.removed_at is null
        and application.stopped_at is null
      where wave.state = 'waiting' and wave.due_at <= ${new Date(now)} and ${which}
        and (campaign.state in ('active', 'finished') or run.manual)
      order by wave.due_at, wave.seq ${limit} for update of wave skip locked`.execute(transaction);
    return rows;
  }

  private async findZones(rows: readonly WaveRow[], transaction: Transaction<Tables>): Promise<Map<string, string[]>> {
    const zones = new Map<string, string[]>();
    for (const { application_id: applicationId, plan } of rows)
      if (plan.zoned && !zones.has(applicationId))
        zones.set(applicationId, await this.audience.timeZones(applicationId, transaction));
    return zones;
  }

  /** Rates: one for a run and all its waves, or one for each message that is spread. And what is counted for whom. */
  private async addTerms(
    composed: readonly (ComposedMessage & { row: WaveRow })[],
    now: number,
    transaction: Transaction<Tables>,
  ): Promise<void> {
    const rateOfRun = new Map<number, number>();
    for (const { message, row } of composed) {
      const { ratePerSecond: perSecond, spreadSeconds, dailyCap } = row.definition.policies ?? {};
      let rateSeq = rateOfRun.get(row.run_seq) ?? row.rate_seq;
      if (spreadSeconds !== undefined) rateSeq = await this.rates.add({ spreadSeconds }, transaction);
      else if (perSecond !== undefined && rateSeq === null) {
        rateSeq = await this.rates.add({ perSecond }, transaction);
        rateOfRun.set(row.run_seq, rateSeq);
        await transaction
          .updateTable('campaign_run')
          .set({ rate_seq: rateSeq })
          .where('seq', '=', row.run_seq)
          .execute();
      }
      const counted = row.counted || dailyCap !== undefined;
      message.campaign = {
        rateSeq,
        quiet: rateSeq === null ? [] : row.plan.quiet,
        reach: counted ? { key: reachKey(now, row.seq), cap: dailyCap ?? null } : null,
      };
    }
  }

  /** A run ends with its last wave. `touched`: runs of which others were settled. */
  private async settleWaves(
    settled: readonly Settled[],
    touched: readonly number[],
    transaction: Transaction<Tables>,
  ): Promise<void> {
    const changes = settled.map(({ seq, state, reason, dueAt }) => ({ seq, state, reason, due_at: new Date(dueAt) }));
    const runs = bigints([...touched, ...settled.map(({ runSeq }) => runSeq)]);
    // Two processes with the last two waves of a run would each see the other's as waiting, and the run would never end.
    await sql`select from campaign_run where seq = any(${runs}) order by seq for update`.execute(transaction);
    await sql`
      update campaign_wave set state = change.state, reason = change.reason, due_at = change.due_at
      from jsonb_to_recordset(${JSON.stringify(changes)}::jsonb)
        as change(seq bigint, state text, reason text, due_at timestamptz)
      where campaign_wave.seq = change.seq`.execute(transaction);
    await sql`
      update campaign_run set definition = null,
        state = case when exists (select from campaign_wave wave where wave.run_seq = campaign_run.seq
          and wave.state in ('sent', 'empty')) then 'sent' else 'skipped' end,
        reason = (select reason from campaign_wave wave where wave.run_seq = campaign_run.seq
          and reason is not null order by seq limit 1)
      where seq = any(${runs}) and state = 'running'
        and not exists (select from campaign_wave wave where wave.run_seq = campaign_run.seq and wave.state = 'waiting')
      `.execute(transaction);
  }
}

function toWave(row: WaveRow, busy: boolean): DueWave {
  return {
    seq: row.seq,
    runSeq: row.run_seq,
    plan: row.plan,
    dueAt: row.due_at.getTime(),
    scheduledAt: row.scheduled_at.getTime(),
    manual: row.manual,
    busy,
    applicationEnabled: row.enabled,
    campaignId: row.campaign_id,
    applicationId: row.application_id,
    clientId: row.client_id,
    definition: row.definition,
  };
}
