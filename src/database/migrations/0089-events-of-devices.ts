import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** The removal of a user finds the events of the user's devices. */
export async function up(db: Kysely<never>): Promise<void> {
  await sql`create index event_device on event (application_id, subject) where subject like 'device/%'`.execute(db);
  await sql`
    create index webhook_event_ended_device on webhook_event_ended (webhook_id, subject)
    where subject like 'device/%'`.execute(db);
}
