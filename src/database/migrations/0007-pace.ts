import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** The sending rate of an application at a provider, shared by all worker processes. */
export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // A row exists only with a current or former limit. slot_at: begin of the next slot; blocked_until: the provider's
  // Retry-After.
  `create table pace (
     application_id text not null references application on delete cascade,
     provider text not null,
     per_second float8 not null,
     growth float8 not null,
     changed_at timestamptz not null,
     lapses_at timestamptz not null,
     slot_at timestamptz not null,
     blocked_until timestamptz,
     primary key (application_id, provider)
   )`,
  // The batch waits for its own slot, which begins at due_at.
  `alter table batch add column has_slot boolean not null default false`,
  // Batches with a slot count as outstanding too, so that slots are not given out by the thousand.
  `drop index batch_window`,
  `create index batch_window on batch (application_id, provider, due_at) include (has_slot)
     where state in ('ready', 'leased') and not direct`,
];
