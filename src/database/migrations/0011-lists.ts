import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** Lists of devices and subscriptions in pages, and their numbers without counting. */
export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const DEVICES = `
  select application_id, 'device' as kind, platform as name, $ as amount from @
  union all select application_id, 'broadcast', platform, $ from @ where broadcast`;
const SUBSCRIPTIONS = `select application_id, 'subscription' as kind, tag_name as name, $ as amount from @`;

/** Triggers that add the change of each statement to the tally, for any number of rows and any cascade. */
function keepTally(table: string, rows: string): string[] {
  const arrived = rows.replaceAll('$', '1').replaceAll('@', 'arrived');
  const departed = rows.replaceAll('$', '-1').replaceAll('@', 'departed');
  const events = [
    ['insert', 'new table as arrived', arrived],
    ['update', 'old table as departed new table as arrived', `${arrived} union all ${departed}`],
    ['delete', 'old table as departed', departed],
  ] as const;
  return events.flatMap(([event, tables, changes]) => [
    `create function tally_${table}_${event}() returns trigger language plpgsql as $$ begin
       insert into tally (application_id, kind, name, amount)
       select application_id, kind, name, sum(amount) from (${changes}) as change
       group by application_id, kind, name having sum(amount) <> 0;
       return null;
     end $$`,
    `create trigger tally_${event} after ${event} on ${table} referencing ${tables}
       for each statement execute function tally_${table}_${event}()`,
  ]);
}

const STATEMENTS = [
  `create index device_list on device (application_id, seq)`,
  `create index device_platform on device (application_id, platform, seq)`,
  // With seq, and with devices without a user, because a user's devices are a list too.
  `drop index device_user`,
  `create index device_user on device (application_id, user_id, seq)`,
  // The number of devices (by platform), devices with Push.ALL (by platform) and subscriptions (by tag): the sum of
  // amounts. Counting a million index entries takes 50 to 80 ms. A row per change instead of a counter, because all
  // registrations of an application would wait for the lock of the counter.
  `create table tally (
     id bigint generated always as identity primary key,
     application_id text not null,
     kind text not null,
     name text not null,
     amount bigint not null
   )`,
  `create index tally_name on tally (application_id, kind, name) include (amount)`,
  `insert into tally (application_id, kind, name, amount)
     select application_id, kind, name, sum(amount) from (
       ${DEVICES.replaceAll('$', '1').replaceAll('@', 'device')}
       union all ${SUBSCRIPTIONS.replaceAll('$', '1').replaceAll('@', 'subscription')}) as row
     group by application_id, kind, name`,
  ...keepTally('device', DEVICES),
  ...keepTally('subscription', SUBSCRIPTIONS),
  // About every hundredth change merges the rows of its names, except those that another transaction is merging.
  `create function tally_fold() returns trigger language plpgsql as $$ begin
     if random() < 0.01 then
       with name as (select distinct application_id, kind, name from added),
       gone as (
         delete from tally where id in (
           select tally.id from tally join name using (application_id, kind, name) for update of tally skip locked)
         returning application_id, kind, name, amount)
       insert into tally (application_id, kind, name, amount)
       select application_id, kind, name, sum(amount) from gone
       group by application_id, kind, name having sum(amount) <> 0;
     end if;
     return null;
   end $$`,
  `create trigger tally_fold after insert on tally referencing new table as added
     for each statement execute function tally_fold()`,
];
