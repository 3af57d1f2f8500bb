import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { indexesIfSmall } from './small-table.js';

/** A page of the audit of one client, action, subject or outcome is read in the time of a page of all. */
export const AUDIT_INDEXES: Readonly<Record<string, string>> = {
  audit_event_client: 'audit_event (client_id, id)',
  audit_event_action: 'audit_event (action, id)',
  audit_event_subject: 'audit_event (subject, id)',
  audit_event_outcome: 'audit_event (outcome, id)',
};

export async function up(db: Kysely<never>): Promise<void> {
  await sql.raw(indexesIfSmall('audit_event', AUDIT_INDEXES)).execute(db);
}
