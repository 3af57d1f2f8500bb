import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** Events of releases before are changes that were done. */
export async function up(db: Kysely<never>): Promise<void> {
  await sql`alter table audit_event add column outcome text not null default 'done'`.execute(db);
}
