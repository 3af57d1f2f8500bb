import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** The row that readiness checks update, to see whether the database accepts writes. */
export async function up(db: Kysely<never>): Promise<void> {
  await sql
    .raw(
      `create table write_probe (
        id integer primary key check (id = 1),
        written_at timestamptz not null)`,
    )
    .execute(db);
  await sql.raw(`insert into write_probe values (1, now())`).execute(db);
}
