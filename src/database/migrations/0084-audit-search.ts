import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** A page of the audit of one client, action, subject or outcome is read in the time of a page of all. */
export const AUDIT_INDEXES: Readonly<Record<string, string>> = {
  audit_event_client: 'audit_event (client_id, id)',
  audit_event_action: 'audit_event (action, id)',
  audit_event_subject: 'audit_event (subject, id)',
  audit_event_outcome: 'audit_event (outcome, id)',
};

export async function up(db: Kysely<never>): Promise<void> {
  // In a table of up to 64 MB; in a larger one by late-indexes.ts.
  await sql
    .raw(
      `do $$ begin
         if pg_relation_size('audit_event') < 64 * 1024 * 1024 then
           ${Object.entries(AUDIT_INDEXES)
             .map(([name, definition]) => `create index ${name} on ${definition};`)
             .join(' ')}
         end if;
       end $$`,
    )
    .execute(db);
}
