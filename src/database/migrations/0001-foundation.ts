import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** Applications, devices, messages and their batches: the tables for a send. */
export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  `create table client (
     id text primary key,
     display_name text not null,
     secret_hash text not null,
     allowed_scope text not null,
     enabled boolean not null default true,
     created_at timestamptz not null default now()
   )`,
  `create table signing_key (
     kid text primary key,
     public_jwk jsonb not null,
     private_key bytea not null,
     created_at timestamptz not null default now()
   )`,
  `create table application (
     id text primary key,
     enabled boolean not null default true,
     created_at timestamptz not null default now()
   )`,
  // version names a credential. Pools and token caches have it in their key, so that a new credential replaces them.
  `create table provider_setting (
     application_id text not null references application on delete cascade,
     provider text not null,
     version integer not null,
     visible jsonb not null,
     secret bytea not null,
     paused_reason text,
     updated_at timestamptz not null,
     primary key (application_id, provider)
   )`,
  // Scans over devices use the order of seq. broadcast is the automatic subscription to Push.ALL: a column, because one
  // subscription row per device would double the table for a value that is nearly always true.
  `create table device (
     seq bigint generated always as identity primary key,
     application_id text not null references application on delete cascade,
     device_id text not null,
     platform text not null,
     provider text not null,
     token text not null,
     token_hash bytea not null,
     user_id text,
     phone_number text,
     user_agent text,
     broadcast boolean not null default true,
     retired_reason text,
     registered_at timestamptz not null,
     created_at timestamptz not null default now(),
     updated_at timestamptz not null,
     unique (application_id, device_id)
   )`,
  // By hash, because a Web Push subscription used as a token may exceed the 2,704 bytes of an index entry.
  `create unique index device_token on device (application_id, provider, token_hash)`,
  `create index device_user on device (application_id, user_id) where user_id is not null`,
  `create index device_audience on device (application_id, seq) include (provider, platform)
     where retired_reason is null and broadcast`,
  `create table tag (
     application_id text not null references application on delete cascade,
     name text not null,
     description text not null,
     created_at timestamptz not null default now(),
     updated_at timestamptz not null,
     primary key (application_id, name)
   )`,
  `create table subscription (
     id bigint generated always as identity primary key,
     application_id text not null,
     tag_name text not null,
     device_seq bigint not null references device on delete cascade,
     created_at timestamptz not null default now(),
     foreign key (application_id, tag_name) references tag on delete cascade,
     unique (application_id, tag_name, device_seq)
   )`,
  `create index subscription_device on subscription (device_seq)`,
  // body is the request; notification and target are its meaning, so that delivery does not depend on the wire format.
  `create table message (
     seq bigint generated always as identity primary key,
     application_id text not null references application on delete cascade,
     id text not null,
     client_id text not null,
     body jsonb not null,
     notification jsonb not null,
     target jsonb not null,
     state text not null,
     direct boolean not null,
     on_unknown text not null,
     idempotency_key text,
     request_hash bytea,
     accepted_at timestamptz not null,
     expires_at timestamptz not null,
     finished_at timestamptz,
     audience integer not null,
     open_batches integer not null,
     expand_cursor bigint not null,
     expand_max bigint,
     unique (application_id, id)
   )`,
  `create unique index message_idempotency on message (application_id, client_id, idempotency_key)
     where idempotency_key is not null`,
  `create index message_unfinished on message (seq) where state in ('accepted', 'expanding', 'sending')`,
  `create table batch (
     id bigint generated always as identity primary key,
     message_seq bigint not null references message on delete cascade,
     application_id text not null,
     provider text not null,
     state text not null,
     size integer not null,
     first_seq bigint not null,
     last_seq bigint not null,
     device_seqs bigint[] not null,
     outcomes bytea not null,
     counts integer[] not null,
     details jsonb not null,
     epoch integer not null default 0,
     lease_until timestamptz,
     due_at timestamptz
   )`,
  `create index batch_message on batch (message_seq, state, id)`,
  `create index batch_ready on batch (due_at) where state = 'ready'`,
  `create index batch_leased on batch (lease_until) where state = 'leased'`,
  `create index batch_waiting on batch (message_seq, id) where state = 'waiting'`,
  `create index batch_parked on batch (application_id, provider) where state = 'parked'`,
];
