import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** Campaigns, their runs and waves; and what a message of one needs of delivery: a rate, and a cap for each person. */
export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // definition is the campaign as it was put. next_at is the moment that the schedule means next, due_at when that is to be
  // fired (jitter); both are null while nothing is planned.
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
  // The unique key is what makes a firing one, whoever fires. definition: of a run with waves to come, which an edit of the
  // campaign leaves alone.
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
  // plan: what the zones of the wave have in common (campaigns/firing/wave.ts).
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
  // A rate that one message or several keep together; next_ms is when the next delivery may be, in epoch ms with its
  // fraction, so that nothing is lost to rounding. spread_s: the rate is made of the audience, once that is known.
  `create table message_rate (
     seq bigint generated always as identity primary key,
     per_second float8,
     spread_s float8,
     next_ms float8 not null
   )`,
  // expand_at: the next page of a message with a rate is laid out then. quiet: times in which nothing of it is due.
  // reach_key, reach_cap: it counts as one for each person it reaches, and passes over those who have had enough.
  `alter table message
     add column rate_seq bigint references message_rate,
     add column expand_at timestamptz,
     add column quiet jsonb,
     add column reach_key bigint,
     add column reach_cap integer,
     add column capped integer not null default 0`,
  `create index message_rate_seq on message (rate_seq) where rate_seq is not null`,
  // Which messages have reached a person in the last 24 hours: keys carry their time (delivery/expand/reach.ts).
  `create table reach (
     application_id text not null references application on delete cascade,
     person text not null,
     keys bigint[] not null,
     primary key (application_id, person)
   )`,
  // The zones that an application's devices are in are found by skipping through it.
  `create index device_time_zone on device (application_id, time_zone) where time_zone is not null`,
];
