import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { indexesIfSmall } from './small-table.js';

/** Approval of large campaigns and messages by a second client or person. */
export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

/** Housekeeping looks for messages that expire while they wait. */
export const APPROVAL_INDEXES: Readonly<Record<string, string>> = {
  message_awaiting: `message (expires_at) where state = 'awaitingApproval'`,
};

const STATEMENTS = [
  // The size of an audience above which a campaign or message waits; null: none waits.
  `alter table application add column approval_above integer`,
  `alter table message add column approved_by text`,
  // authors: the client that made the campaign, and those that changed it. approved_revision: of which content and
  // audience the approval is.
  `alter table campaign
     add column authors text[] not null default '{}',
     add column approved_revision text,
     add column approved_by text`,
  `update campaign set authors = array[client_id]`,
  indexesIfSmall('message', APPROVAL_INDEXES),
];
