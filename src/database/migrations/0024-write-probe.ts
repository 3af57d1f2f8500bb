import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** One row that readiness writes to: whether the database takes writes is seen by writing. */
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
