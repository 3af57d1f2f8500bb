import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** Sessions of the console, its tickets for downloads, and the person in an audit event. */
export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // The cookie has an id of 256 bits, the row only its hash. A client's session has client_id and generation, a
  // person's session has person. grants: scopes, each a list of elements; one of them has to cover a call whole.
  // A few rows for each person: no index besides the key.
  `create table console_session (
     hash text primary key,
     client_id text not null,
     generation bigint,
     person jsonb,
     grants jsonb not null,
     address text not null,
     created_at timestamptz not null default now(),
     seen_at timestamptz not null default now(),
     ends_at timestamptz not null
   )`,
  `create table console_ticket (
     hash text primary key,
     session_hash text not null references console_session on delete cascade,
     path text not null,
     ends_at timestamptz not null
   )`,
  // A session that ends deletes its tickets.
  `create index console_ticket_session on console_ticket (session_hash)`,
  `insert into auth_change values ('console_session', 1)`,
  // Tells the cookies of two installations on one host apart: cookies do not know ports.
  `create table installation (id uuid primary key)`,
  `insert into installation values (gen_random_uuid())`,
  // Null: a client acted by itself.
  `alter table audit_event add column person jsonb`,
];
