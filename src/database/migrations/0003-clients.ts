import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** Confidential clients with two secrets, rotating signing keys, revoked tokens, and audit events. */
export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // generation: a token is valid only for the generation that it was issued for, so it ends with the client (even if a
  // client with the same id is created again) and with a secret that is replaced at once.
  `create sequence client_generation`,
  `alter table client
     add column generation bigint not null default nextval('client_generation'),
     add column last_used_at timestamptz`,
  `create table client_secret (
     id bigint generated always as identity primary key,
     client_id text not null references client on delete cascade,
     hash text not null,
     created_at timestamptz not null default now(),
     expires_at timestamptz,
     last_used_at timestamptz
   )`,
  `create index client_secret_client on client_secret (client_id)`,
  `insert into client_secret (client_id, hash, created_at) select id, secret_hash, created_at from client`,
  `alter table client drop column secret_hash`,
  // A key is published at once, signs from signs_from on, and verifies until the last token that it signed has expired.
  `alter table signing_key
     add column signs_from timestamptz,
     add column verifies_until timestamptz`,
  `update signing_key set signs_from = created_at`,
  `alter table signing_key alter column signs_from set not null`,
  `create table revoked_token (
     jti text primary key,
     change bigint not null,
     expires_at timestamptz not null
   )`,
  `create index revoked_token_change on revoked_token (change)`,
  // One small row per subject, incremented in the transaction of every change; other processes read it each second. Its
  // lock orders the changes of a subject.
  `create table auth_change (
     subject text primary key,
     version bigint not null
   )`,
  `insert into auth_change values ('client', 1), ('signing_key', 1), ('revoked_token', 1)`,
  `create table audit_event (
     id bigint generated always as identity primary key,
     at timestamptz not null default now(),
     client_id text not null,
     action text not null,
     subject text not null,
     address text not null,
     detail jsonb not null
   )`,
];
