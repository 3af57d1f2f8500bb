import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** Figures over time: accepted messages, outcomes of deliveries, registrations. And lists of messages by client. */
export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

/** Settled outcomes: positions 3 to 8 of `counts`, from 1 as PostgreSQL counts. */
const SETTLED = [3, 4, 5, 6, 7, 8];
const SUMS = SETTLED.map((position) => `sum(sign * counts[${position}])`);

const STATEMENTS = [
  // With a collation of its own, so that only the list of messages can use it: the look-up of an Idempotency-Key, by
  // application, client and key, is planned once while the table is small, and would read all messages of the client.
  'drop index if exists message_client',
  `create index message_client on message (application_id, client_id collate "C", accepted_at, seq)`,
  // A row for each change, because a row per minute would make all transactions of an application wait for its lock. A
  // step of the scheduler moves the rows into `statistic` every ten seconds. name: a provider with the deliveries per
  // outcome (position = code), or 'message' or 'device' with one number.
  `create table statistic_change (
     id bigint generated always as identity primary key,
     application_id text not null,
     at timestamptz not null default now(),
     name text not null,
     counts bigint[] not null
   )`,
  `create index statistic_change_application on statistic_change (application_id)`,
  // step: seconds. application_id '': all applications, so that their sum is no sum over thousands of rows a minute.
  `create table statistic (
     application_id text not null,
     step integer not null,
     at timestamptz not null,
     name text not null,
     counts bigint[] not null,
     primary key (application_id, step, at, name)
   )`,
  `create index statistic_old on statistic (step, at)`,
  // A trigger, because it compares the row before and after: every statement that changes outcomes is counted once,
  // also one that is repeated after a lost answer.
  `create function note_outcomes() returns trigger language plpgsql as $$ begin
     -- Most claims: nothing was or is settled. The sum below costs three times as much as this look.
     if not exists (select from arrived where counts[1] + counts[2] < size)
       and not exists (select from departed where counts[1] + counts[2] < size) then return null;
     end if;
     insert into statistic_change (application_id, name, counts)
     select application_id, provider, array[0, 0, ${SUMS.join(', ')}]
     from (select application_id, provider, counts, 1 as sign from arrived
       union all select application_id, provider, counts, -1 from departed) as change
     group by application_id, provider having ${SUMS.map((sum) => `${sum} <> 0`).join(' or ')};
     return null;
   end $$`,
  `create trigger batch_outcomes after update on batch referencing old table as departed new table as arrived
     for each statement execute function note_outcomes()`,
  `create function note_registrations() returns trigger language plpgsql as $$ begin
     insert into statistic_change (application_id, name, counts)
     select application_id, 'device', array[count(*)] from arrived group by application_id;
     return null;
   end $$`,
  `create trigger device_registrations after insert on device referencing new table as arrived
     for each statement execute function note_registrations()`,
];
