import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** Keys of clients in place of a secret: a set, or its address; and the assertions signed by them that were used. */
export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // Text, not jsonb: a change is seen by comparison.
  'alter table client add column jwks text, add column jwks_uri text',
  `create table used_assertion (
     client_id text not null references client on delete cascade,
     jti text not null,
     ends_at timestamptz not null,
     primary key (client_id, jti)
   )`,
  'create index used_assertion_ends_at on used_assertion (ends_at)',
];
