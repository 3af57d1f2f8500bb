import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** The state of an application at a provider, as last reported by the workers. */
export async function up(db: Kysely<never>): Promise<void> {
  // processes: the connections of each worker process, by its name; a report drops entries older than a minute.
  await sql
    .raw(
      `create table provider_status (
         application_id text not null references application on delete cascade,
         provider text not null,
         last_success_at timestamptz,
         last_error_at timestamptz,
         last_error text,
         processes jsonb not null,
         primary key (application_id, provider)
       )`,
    )
    .execute(db);
}
