import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';
import { isWaitOver } from '../database/waits.js';
import type { Tx } from '../database/transaction.js';
import type { Figures, Sample, Samples } from './figures.js';

/** If a process does not finish its reading of the figures, another process reads after this time. */
const LEASE_S = 15;
/** Rows of each destination and state that one statement looks at. */
const LOOK = 10_000;
/** A statement that waits for a lock, or is slow, ends the reading; the next one comes soon. */
const STATEMENT_MS = 3_000;

interface Row {
  labels: string[];
  value: number;
}

/**
 * Reads the figures of metrics, and keeps the last ones for all processes. Each statement reads an index of open rows.
 */
@Injectable()
export class FiguresRepository {
  constructor(@Inject(DATABASE) private readonly database: Pick<Database, 'kysely'>) {}

  /** The last ones, and how old they are by the clock of the database. */
  async last(): Promise<Figures & { ageS: number; takenAt: Date }> {
    const { rows } = await sql<{ figures: Figures; ageS: number; takenAt: Date }>`
      select figures, taken_at as "takenAt", abs(extract(epoch from now() - taken_at))::float8 as "ageS"
      from metric_figures`.execute(this.database.kysely);
    const { figures, ...when } = rows[0]!;
    return { ...figures, ...when };
  }

  /** True if this process is to read them: the last ones are this old, and no other process reads. */
  async take(ageS: number): Promise<boolean> {
    const { rows } = await sql`
      update metric_figures set lease_until = now() + make_interval(secs => ${LEASE_S})
      where abs(extract(epoch from now() - taken_at)) >= ${ageS}
        and (lease_until is null or ${isWaitOver(sql`lease_until`, LEASE_S)})
      returning only_row`.execute(this.database.kysely);
    return rows.length > 0;
  }

  async keep(figures: Figures): Promise<void> {
    await sql`
      update metric_figures set figures = ${JSON.stringify(figures)}::jsonb, taken_at = now(), lease_until = null`.execute(
      this.database.kysely,
    );
  }

  async boundTime(tx: Tx): Promise<void> {
    await sql`set local statement_timeout = ${sql.lit(STATEMENT_MS)}`.execute(tx);
  }

  /** The oldest ones. */
  async applications(most: number, tx: Tx): Promise<string[]> {
    const { rows } = await sql<{ id: string }>`
      select id from application where removed_at is null order by created_at, id limit ${most}`.execute(tx);
    return rows.map(({ id }) => id);
  }

  async samples(tx: Tx): Promise<Samples> {
    const samples: Samples = {};
    for (const name of Object.keys(STATEMENTS) as (keyof typeof STATEMENTS)[])
      samples[name] = (await STATEMENTS[name].execute(tx)).rows.map(toSample);
    return samples;
  }
}

function toSample({ labels, value }: Row): Sample {
  return { labels: labels.map((label) => label ?? ''), value };
}

/** Each application and provider with a batch in this state, one look-up in the state's index each. */
const lots = (state: 'waiting' | 'parked'): RawBuilder<unknown> => sql`
  (select application_id, provider from batch where state = ${sql.lit(state)}
    order by application_id, provider limit 1)
  union all
  select next.* from ${sql.raw(`${state}_lot`)} as lot, lateral (
    select application_id, provider from batch
    where state = ${sql.lit(state)} and (application_id, provider) > (lot.application_id, lot.provider)
    order by application_id, provider limit 1) as next`;

/** The batches of each of these. */
const ofLots = (state: 'waiting' | 'parked'): RawBuilder<unknown> => sql`
  select lot.application_id, lot.provider, ${sql.lit(state)} as state, own.counts from ${sql.raw(`${state}_lot`)} as lot,
    lateral (select counts from batch where state = ${sql.lit(state)} and application_id = lot.application_id
      and provider = lot.provider limit ${sql.lit(LOOK)}) as own`;

const AGE = (since: RawBuilder<unknown>): RawBuilder<number> =>
  sql`greatest(0, extract(epoch from now() - ${since}))::float8`;

const STATEMENTS = {
  // Positions of pending and in flight, from 1 (delivery/outcome.ts).
  carillon_deliveries_open: sql<Row>`
    with recursive waiting_lot as (${lots('waiting')}), parked_lot as (${lots('parked')}),
    open as (
      ${ofLots('waiting')}
      union all ${ofLots('parked')}
      union all (select application_id, provider, 'ready', counts from batch where state = 'ready'
        order by due_at limit ${sql.lit(LOOK)})
      union all (select application_id, provider, 'sending', counts from batch where state = 'leased'
        order by lease_until limit ${sql.lit(LOOK)}))
    select array[application_id, provider, state] as labels, sum(counts[1] + counts[2])::float8 as value
    from open group by application_id, provider, state`,
  // Of the batches outside of the windows the first of each application and provider counts.
  carillon_oldest_pending_seconds: sql<Row>`
    with recursive waiting_lot as (${lots('waiting')}),
    due as (
      (select application_id, provider, due_at as since from batch where state = 'ready' and due_at <= now()
        order by due_at limit ${sql.lit(LOOK)})
      union all
      select lot.application_id, lot.provider, first.waits_since from waiting_lot as lot, lateral (
        select waits_since from batch
        where state = 'waiting' and application_id = lot.application_id and provider = lot.provider
        order by direct, id limit 1) as first)
    select array[application_id, provider] as labels, ${AGE(sql`min(since)`)} as value
    from due where since is not null group by application_id, provider`,
  carillon_provider_paused: sql<Row>`
    select array[application_id, provider] as labels, (paused_reason is not null)::integer::float8 as value
    from provider_setting`,
  carillon_provider_rate_limit: sql<Row>`
    select array[application_id, provider] as labels, per_second::float8 as value from pace where lapses_at > now()`,
  carillon_credential_expiry_timestamp_seconds: sql<Row>`
    select array[application_id, provider] as labels,
      extract(epoch from (visible->>'validUntil')::timestamptz)::float8 as value
    from provider_setting where visible->>'validUntil' is not null`,
  carillon_process_last_seen_timestamp_seconds: sql<Row>`
    select array[role, version] as labels, extract(epoch from max(seen_at))::float8 as value
    from process cross join unnest(roles) as role where ended_at is null group by role, version`,
  // Like the look of the scheduler: nothing of a stopped application is due.
  carillon_campaign_firing_lag_seconds: sql<Row>`
    select array[]::text[] as labels, coalesce(${AGE(sql`min(due_at)`)}, 0) as value from (
      (select campaign.due_at from campaign join application on application.id = campaign.application_id
       where campaign.state = 'active' and campaign.due_at <= now()
         and application.removed_at is null and application.stopped_at is null
       order by campaign.due_at limit 1)
      union all
      (select wave.due_at from campaign_wave as wave
         join campaign_run as run on run.seq = wave.run_seq
         join campaign on campaign.seq = run.campaign_seq
         join application on application.id = campaign.application_id
       where wave.state = 'waiting' and wave.due_at <= now()
         and (campaign.state in ('active', 'finished') or run.manual)
         and application.removed_at is null and application.stopped_at is null
       order by wave.due_at limit 1)) as due`,
  carillon_audit_oldest_unsent_seconds: sql<Row>`
    select array[]::text[] as labels, coalesce(${AGE(sql`least(
        (select at from audit_event where seq > sent_seq order by seq limit 1),
        (select at from audit_event where seq is null order by id limit 1))`)}, 0) as value
    from audit_outbox where receiver is not null`,
  carillon_webhook_pending: sql<Row>`
    select array[application_id] as labels, sum(waiting.events)::float8 as value
    from webhook cross join lateral (
      select count(*) as events from (
        select from webhook_event where webhook_id = webhook.id limit ${sql.lit(LOOK)}) as event) as waiting
    group by application_id`,
  carillon_webhook_oldest_seconds: sql<Row>`
    select array[application_id] as labels, max(${AGE(sql`oldest.created_at`)}) as value
    from webhook cross join lateral (
      select created_at from webhook_event where webhook_id = webhook.id order by id limit 1) as oldest
    group by application_id`,
  carillon_devices: sql<Row>`
    select array[application.id, tally.name, case kind when 'device' then 'registered' else kind end] as labels,
      tally.amount::float8 as value
    from application cross join unnest(array['device', 'broadcast']) as kind
      cross join lateral (
        select name, sum(amount) as amount from tally
        where application_id = application.id and tally.kind = kind.kind group by name) as tally
    where application.removed_at is null`,
};
