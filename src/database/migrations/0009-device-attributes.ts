import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** Data of an app about its device and user, for campaigns and personal messages. */
export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // language: BCP 47; time_zone: an IANA name; attributes: one flat object, text, numbers and booleans.
  `alter table device
     add column language text,
     add column time_zone text,
     add column app_version text,
     add column attributes jsonb not null default '{}'`,
];
