import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/**
 * token_hash becomes the hash of a token's identity instead of its text. Existing rows are converted in steps while the
 * program runs (devices/token-pass.repository.ts), because a migration would lock them all in one transaction.
 */
export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // A row is a pass over all devices, to be made from due_at on; next_seq is the last seq that was read.
  `create table token_pass (
     id integer primary key,
     due_at timestamptz not null,
     next_seq bigint not null
   )`,
  // The second pass converts devices that processes of an older version registered during a rolling update.
  `insert into token_pass (id, due_at, next_seq)
     select id, now() + (id - 1) * interval '1 day', 0 from generate_series(1, 2) as id
     where exists (select from device)`,
];
