import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** How fast an application is sent to at a provider, shared by all worker processes. */
export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // A row only where there is or was a limit. slot_at is when the next turn begins, blocked_until what the provider said.
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
  // The batch waits for a turn that is its own: due_at is when.
  `alter table batch add column has_slot boolean not null default false`,
  // Those count as outstanding, too: turns are not given away by the thousand.
  `drop index batch_window`,
  `create index batch_window on batch (application_id, provider, due_at) include (has_slot)
     where state in ('ready', 'leased') and not direct`,
];
