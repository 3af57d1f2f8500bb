import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** How an application fares at a provider, as the workers last reported it. */
export async function up(db: Kysely<never>): Promise<void> {
  // processes: what each worker process has open, by its name; entries older than a minute are dropped at the next report.
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
