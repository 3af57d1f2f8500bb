import { sql } from 'kysely';
import type { Kysely } from 'kysely';

const STEPS = [
  // The place of an event in the chain, and its hash; null: not in the chain yet.
  'alter table audit_event add column seq bigint, add column hash bytea',
  'create unique index audit_event_seq on audit_event (seq)',
  'create index audit_event_unchained on audit_event (id) where seq is null',
  // One row: the last event of the chain, and the last one that was removed by its age.
  `create table audit_chain (
    one boolean primary key default true check (one),
    seq bigint not null default 0,
    hash bytea not null default '\\x',
    folded_seq bigint not null default 0,
    folded_hash bytea not null default '\\x'
  )`,
  'insert into audit_chain default values',
];

/** The chain of audit events. Events of releases before become its first ones. */
export async function up(db: Kysely<never>): Promise<void> {
  for (const step of STEPS) await sql.raw(step).execute(db);
}
