import { sql } from 'kysely';
import type { Kysely } from 'kysely';

const STEPS = [
  // One row: the receiver of the events, null for none; the last event that it has; and the process that sends.
  `create table audit_outbox (
    one boolean primary key default true check (one),
    receiver text,
    sent_seq bigint not null default 0,
    error text,
    leased_by text,
    leased_until timestamptz not null default '-infinity'
  )`,
  'insert into audit_outbox default values',
];

/** The outbox of audit events: the chain itself, from the event behind the last sent one on. */
export async function up(db: Kysely<never>): Promise<void> {
  for (const step of STEPS) await sql.raw(step).execute(db);
}
