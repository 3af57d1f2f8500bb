import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** Clients whose tokens must be bound to a certificate (RFC 8705). */
export async function up(db: Kysely<never>): Promise<void> {
  await sql`alter table client add column certificate_bound boolean not null default false`.execute(db);
}
