import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** A client's emergency stop of an application, with the client's id. */
export async function up(db: Kysely<never>): Promise<void> {
  await sql.raw('alter table application add column stopped_at timestamptz, add column stopped_by text').execute(db);
}
