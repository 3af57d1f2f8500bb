import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** A removed application disappears at once, and its rows are deleted in steps. */
export async function up(db: Kysely<never>): Promise<void> {
  await sql.raw('alter table application add column removed_at timestamptz').execute(db);
  await sql
    .raw('create index application_removed on application (removed_at) where removed_at is not null')
    .execute(db);
}
