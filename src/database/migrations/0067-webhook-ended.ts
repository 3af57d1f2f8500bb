import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** Delivered and given-up events of webhooks, kept for a replay. */
export async function up(db: Kysely<never>): Promise<void> {
  await sql`
    create table webhook_event_ended (
      webhook_id bigint not null references webhook on delete cascade,
      id bigint not null,
      body json not null,
      created_at timestamptz not null,
      user_id text,
      primary key (webhook_id, id))`.execute(db);
  await sql`create index webhook_event_ended_age on webhook_event_ended (created_at)`.execute(db);
  await sql`
    create index webhook_event_ended_user on webhook_event_ended (user_id) where user_id <> 'anonymous'`.execute(db);
}
