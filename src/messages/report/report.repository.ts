import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { RawBuilder, Selectable } from 'kysely';
import { PACE_NOW } from '../../applications/provider-status.repository.js';
import { DATABASE } from '../../database/database.module.js';
import { executePrepared } from '../../database/prepared.js';
import type { Database } from '../../database/database.js';
import { lastSeen } from '../../database/processes.js';
import type { MessageState, Tables } from '../../database/tables.js';
import { SUMS } from '../../delivery/batch.repository.js';
import { toFullReport, toReport } from './report.js';
import type { FullReport, MessageReport, MessageRow, ProviderSums, Sums } from './report.js';

export interface MessageFilter {
  state?: MessageState;
  label?: string;
  clientId?: string;
  campaignId?: string;
  runId?: number;
  /** `from`: accepted at or after; `to`: accepted before. */
  from?: Date;
  to?: Date;
}

/** Where a page ended. */
export interface MessagePlace {
  acceptedAt: Date;
  seq: number;
}

export type MessageContent = Pick<Selectable<Tables['message']>, 'notification' | 'target'>;

const COLUMNS = sql`message.id, message.notification->>'alert' as alert, message.label, message.test_of as "testOf", message.approved_by as "approvedBy", message.state, message.audience,
  message.accepted_at, message.send_at, message.expires_at, message.finished_at, message.paused_at, message.resend_of,
  message.client_id, campaign.id as campaign_id, message.run_seq`;
const CAMPAIGN = sql`left join campaign on campaign.seq = message.campaign_seq`;
const STANDSTILL = sql`count(*) filter (where state = 'parked')::int as parked,
  count(*) filter (where state in ('waiting', 'ready', 'leased'))::int as moving`;

/** Reads the state and the counts of messages. */
@Injectable()
export class ReportRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /**
   * One statement reads state, counts and what limits the open batches, so they are consistent. `now`: epoch ms.
   */
  async find(applicationId: string, id: string, now: number): Promise<FullReport | undefined> {
    const at = new Date(now);
    const rows = await executePrepared(
      this.database.reader,
      'report',
      sql<FoundRow>`
        select ${COLUMNS}, message.direct as urgent, message.quiet, message.expand_at, ${lastSeen('worker')} as worker_seen_at,
          rate.per_second as rate_per_second,
          application.stopped_at, application.stopped_by, array(
            select resend.id from message resend where resend.application_id = message.application_id
              and resend.resend_of = message.id and resend.state <> 'removed' order by resend.seq) as resends,
          (select jsonb_object_agg(name, count) from receipt_count where message_seq = message.seq) as receipts,
          relay.outcome as relay_outcome, relay.detail as relay_detail, part.*
        from message join application on application.id = message.application_id ${CAMPAIGN}
        left join message_rate rate on rate.seq = message.rate_seq
        left join lateral (
          select get_byte(outcomes, 0) as outcome, details->'0' as detail
          from batch where batch.message_seq = message.seq and batch.provider = 'upstream' limit 1) as relay on true
        left join lateral (
          select sums.*, setting.paused_reason, setting.paused_at as paused_since, setting.next_try_at, ${PACE_NOW} as pace,
            pace.blocked_until
          from (
            select provider, array[${SUMS}] as counts, min(started_at) as first_at, max(touched_at) as last_at, ${STANDSTILL},
              count(*) filter (where state in ('waiting', 'leased') or state = 'ready' and due_at <= ${at})::int as busy,
              count(*) filter (where state = 'leased' and lease_until > ${at})::int as leased,
              count(*) filter (where state in ('waiting', 'ready') and started_at is null)::int as untried,
              min(due_at) filter (where state = 'ready' and due_at > ${at}) as next_due
            from batch where batch.message_seq = message.seq group by provider) as sums
          left join provider_setting setting on message.finished_at is null
            and setting.application_id = message.application_id and setting.provider = sums.provider
          left join pace on message.finished_at is null
            and pace.application_id = message.application_id and pace.provider = sums.provider and pace.lapses_at > ${at}
          order by sums.provider) as part on true
        where message.application_id = ${applicationId} and message.id = ${id}
          and message.state <> 'removed'`,
    );
    const [message] = rows;
    const parts = rows.filter((row): row is typeof row & ProviderSums => row.provider !== null);
    return message && toFullReport(message, parts, now);
  }

  async findSeq(applicationId: string, id: string): Promise<number | undefined> {
    const found = this.database.reader
      .selectFrom('message')
      .select('seq')
      .where('application_id', '=', applicationId)
      .where('id', '=', id)
      .where('state', '<>', 'removed');
    const [row] = await executePrepared(this.database.reader, 'message-seq', found);
    return row?.seq;
  }

  findContent(applicationId: string, id: string): Promise<MessageContent | undefined> {
    return this.database.reader
      .selectFrom('message')
      .select(['notification', 'target'])
      .where('application_id', '=', applicationId)
      .where('id', '=', id)
      .where('state', '<>', 'removed')
      .executeTakeFirst();
  }

  /**
   * Newest first, starting after `after`. Finished messages have stored sums; only the batches of the others are added
   * up. `now`: epoch ms.
   */
  async list(
    applicationId: string,
    filter: MessageFilter,
    after: MessagePlace | undefined,
    limit: number,
    now: number,
  ): Promise<(MessageReport & MessagePlace)[]> {
    const { rows } = await sql<MessageRow & Sums & { seq: number }>`
      select ${COLUMNS}, message.seq, coalesce(message.totals, live.counts) as counts, live.parked, live.moving
      from (
        select * from message where application_id = ${applicationId} and state <> 'removed' and ${conditions(applicationId, filter, new Date(now))}
          and ${after ? sql`(accepted_at, seq) < (${after.acceptedAt}, ${after.seq})` : sql`true`}
        order by accepted_at desc, seq desc limit ${limit}) as message ${CAMPAIGN},
      lateral (
        select array[${SUMS}] as counts, ${STANDSTILL}
        from batch where message.finished_at is null and batch.message_seq = message.seq) as live
      order by message.accepted_at desc, message.seq desc`.execute(this.database.reader);
    return rows.map((row) => ({ ...toReport(row, row, now), seq: row.seq }));
  }

  /** The messages of all applications that are being sent or are paused meanwhile, the newest first. */
  async listUnderWay(limit: number, now: number): Promise<(MessageReport & { applicationId: string })[]> {
    const { rows } = await sql<MessageRow & Sums & { applicationId: string }>`
      select ${COLUMNS}, message.application_id as "applicationId", live.*
      from (
        select message.* from application, lateral (
          select * from message where application_id = application.id and state in ('accepted', 'expanding', 'sending')
            and finished_at is null and (send_at is null or send_at <= ${new Date(now)})
          order by accepted_at desc, seq desc limit ${limit}) as message
        where application.removed_at is null
        order by accepted_at desc, seq desc limit ${limit}) as message ${CAMPAIGN},
      lateral (select array[${SUMS}] as counts, ${STANDSTILL} from batch where batch.message_seq = message.seq) as live
      order by message.accepted_at desc, message.seq desc`.execute(this.database.reader);
    return rows.map((row) => ({ ...toReport(row, row, now), applicationId: row.applicationId }));
  }
}

type FoundRow = Parameters<typeof toFullReport>[0] & (ProviderSums | { provider: null });

function conditions(
  applicationId: string,
  { state, label, clientId, campaignId, runId, from, to }: MessageFilter,
  now: Date,
): RawBuilder<unknown> {
  const all = [
    state && inState(state, now),
    label !== undefined && sql`label = ${label}`,
    // The collation of the index message_client (migrations/0043-statistics.ts).
    clientId !== undefined && sql`client_id collate "C" = ${clientId}`,
    campaignId !== undefined &&
      sql`campaign_seq = (select seq from campaign where application_id = ${applicationId} and id = ${campaignId})`,
    runId !== undefined && sql`run_seq = ${runId}`,
    from && sql`accepted_at >= ${from}`,
    to && sql`accepted_at < ${to}`,
  ].filter((each) => typeof each === 'object');
  return all.length > 0 ? sql.join(all, sql` and `) : sql`true`;
}

/**
 * `paused` is not a stored state, and a scheduled message with batches is stored as `sending`; report.ts applies the
 * same rules to a row.
 */
function inState(state: MessageState, now: Date): RawBuilder<unknown> {
  const held = sql`state = 'sending' and exists (select from batch where message_seq = message.seq and state = 'parked')
    and not exists (select from batch where message_seq = message.seq and state in ('waiting', 'ready', 'leased'))`;
  const paused = sql`(paused_at is not null and finished_at is null or ${held})`;
  if (state === 'paused') return sql`state in ('scheduled', 'accepted', 'expanding', 'sending') and ${paused}`;
  const waits = sql`(state = 'sending' and send_at > ${now})`;
  if (state === 'scheduled') return sql`(state = 'scheduled' or ${waits}) and not ${paused}`;
  if (state === 'sending') return sql`state = 'sending' and not coalesce(${waits}, false) and not ${paused}`;
  return sql`state = ${sql.lit(state)} and not ${paused}`;
}
