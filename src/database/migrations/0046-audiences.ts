import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** Saved audiences: targets with a name. `target` is the target as received; changed_by: the client or person. */
export async function up(db: Kysely<never>): Promise<void> {
  await sql`create table audience (
    application_id text not null references application on delete cascade,
    name text not null,
    description text not null,
    target jsonb not null,
    changed_by text not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (application_id, name))`.execute(db);
}
