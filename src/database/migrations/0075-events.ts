import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** Events of an application: written with the fact, read as a feed and posted to webhooks. */
export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

/**
 * Inserts an event for each row of `facts` that a webhook or the feed of the application wants. Its columns:
 * application_id, type, subject, label, campaign_id, data. The body is fixed here, so that the feed and all webhooks
 * give the same bytes. `more`: further columns of both, as `, name`.
 */
export const writeEvents = (facts: string, more = ''): string => `
  insert into event (application_id, type, event_id, subject, label, campaign_id, body${more})
  select application_id, type, event_id, subject, label, campaign_id, json_build_object('type', type, 'id', event_id,
    'timestamp', to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'data', data)${more}
  from (select fact.*, 'evt_' || replace(gen_random_uuid()::text, '-', '') as event_id from (${facts}) as fact
    where wants_event(application_id, type, subject, label, campaign_id)) as wanted;`;

/** Where nothing wants events, a statement costs one look at two small tables, for any number of rows. */
export const eventTrigger = (name: string, body: string): string => `
  create function ${name}() returns trigger language plpgsql as $$
  begin
    if not exists (select from event_feed) and not exists (select from webhook) then return null; end if;
    ${body}
    return null;
  end $$`;

const STATEMENTS = [
  // The events that the feed shall have. labels, campaigns: of which messages; null: of all.
  `create table event_feed (
     application_id text primary key references application on delete cascade,
     event_types text[] not null,
     labels text[],
     campaigns text[]
   )`,
  // lease_number: a process whose lease has ended and was given again writes nothing.
  `alter table webhook add column labels text[], add column campaigns text[],
     add column disabled_at timestamptz, add column disabled_reason text,
     add column lease_number bigint not null default 0`,
  `alter table webhook_event add column event_id text`,
  `alter table webhook_event_ended add column event_id text, add column subject text`,
  // position: null until the transaction is committed (events/event-sequencer.ts).
  `create table event (
     id bigint generated always as identity primary key,
     application_id text not null,
     type text not null,
     event_id text not null,
     subject text not null,
     label text,
     campaign_id text,
     body json not null,
     created_at timestamptz not null default now(),
     position bigint
   )`,
  'create index event_fresh on event (id) where position is null',
  'create unique index event_position on event (position) where position is not null',
  'create index event_order on event (application_id, position)',
  // The last position that was given, and the last that was removed by age. The row's lock is the right to give some.
  `create table event_head (
     one boolean primary key default true check (one),
     position bigint not null default 0,
     removed bigint not null default 0
   )`,
  'insert into event_head default values',
  `create view event_interest as
     select wanted.* from (
       select application_id, event_types, labels, campaigns from webhook union all
       select application_id, event_types, labels, campaigns from event_feed) as wanted
     join application on application.id = application_id and removed_at is null`,
  `create function wants_event(application text, event_type text, subject text, label text, campaign text)
   returns boolean language sql stable as $$
     select exists (select from event_interest as interest
       where interest.application_id = application and event_type = any(interest.event_types)
         and (subject not like 'message/%' or interest.labels is null and interest.campaigns is null
           or label = any(interest.labels) or campaign = any(interest.campaigns))) $$`,
];
