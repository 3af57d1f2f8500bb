import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** Campaigns, their runs and waves; and for their messages a rate, and a cap per person. */
export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // definition is the campaign as received. next_at is the next time by the schedule, due_at the time of its firing
  // (with jitter); both are null if nothing is planned.
  `create table campaign (
     seq bigint generated always as identity primary key,
     application_id text not null references application on delete cascade,
     id text not null,
     client_id text not null,
     name text not null,
     definition jsonb not null,
     state text not null,
     state_reason text,
     daily_cap integer,
     next_at timestamptz,
     due_at timestamptz,
     created_at timestamptz not null,
     updated_at timestamptz not null,
     unique (application_id, id)
   )`,
  `create index campaign_due on campaign (due_at) where state = 'active'`,
  `create index campaign_capped on campaign (application_id) where state = 'active' and daily_cap is not null`,
  // The unique key makes a firing happen once, in any process. definition: of a run with waves to come, which a later
  // edit of the campaign does not change.
  `create table campaign_run (
     seq bigint generated always as identity primary key,
     campaign_seq bigint not null references campaign on delete cascade,
     scheduled_at timestamptz not null,
     manual boolean not null,
     state text not null,
     reason text,
     definition jsonb,
     rate_seq bigint,
     created_at timestamptz not null,
     unique (campaign_seq, scheduled_at, manual)
   )`,
  `create index campaign_run_created on campaign_run (created_at)`,
  `create index campaign_run_rate on campaign_run (rate_seq) where rate_seq is not null`,
  `create index campaign_run_running on campaign_run (campaign_seq) where state = 'running'`,
  // plan: the times that the zones of the wave share (campaigns/firing/wave.ts).
  `create table campaign_wave (
     seq bigint generated always as identity primary key,
     run_seq bigint not null references campaign_run on delete cascade,
     plan jsonb not null,
     due_at timestamptz not null,
     state text not null,
     reason text
   )`,
  `create index campaign_wave_due on campaign_wave (due_at) where state = 'waiting'`,
  `create index campaign_wave_run on campaign_wave (run_seq)`,
  `create table campaign_message (
     wave_seq bigint not null references campaign_wave on delete cascade,
     message_seq bigint not null references message on delete cascade,
     variant text,
     language text,
     primary key (message_seq)
   )`,
  `create index campaign_message_wave on campaign_message (wave_seq)`,
  // A rate shared by one message or several. next_ms: the earliest time of the next delivery, in epoch ms with a
  // fraction, so that rounding loses nothing. spread_s: the rate follows from the audience, once that is known.
  `create table message_rate (
     seq bigint generated always as identity primary key,
     per_second float8,
     spread_s float8,
     next_ms float8 not null
   )`,
  // expand_at: when the next page of a message with a rate is due. quiet: times without deliveries. reach_key,
  // reach_cap: the message counts as one for each person, and skips persons at the cap.
  `alter table message
     add column rate_seq bigint references message_rate,
     add column expand_at timestamptz,
     add column quiet jsonb,
     add column reach_key bigint,
     add column reach_cap integer,
     add column capped integer not null default 0`,
  `create index message_rate_seq on message (rate_seq) where rate_seq is not null`,
  // The messages of the last 24 hours per person: keys contain their time (delivery/expand/reach.ts).
  `create table reach (
     application_id text not null references application on delete cascade,
     person text not null,
     keys bigint[] not null,
     primary key (application_id, person)
   )`,
  // Finds the time zones of an application's devices by a skip scan.
  `create index device_time_zone on device (application_id, time_zone) where time_zone is not null`,
];
