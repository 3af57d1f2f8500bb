import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/**
 * token_hash becomes the hash of what a token means, and no longer of its text. The rows that are there are gone through in
 * steps while the program serves (devices/token-pass.repository.ts): a migration would hold them all in one transaction.
 */
export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // A row is a pass over all devices that is to be made from due_at on; the next one that it looks at is above next_seq.
  `create table token_pass (
     id integer primary key,
     due_at timestamptz not null,
     next_seq bigint not null
   )`,
  // The second one meets what processes of an older program have registered beside the new ones while they were replaced.
  `insert into token_pass (id, due_at, next_seq)
     select id, now() + (id - 1) * interval '1 day', 0 from generate_series(1, 2) as id
     where exists (select from device)`,
];
