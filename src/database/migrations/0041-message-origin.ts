import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** The campaign and the run that made a message, and lists of messages by campaign and run. */
export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // No foreign keys: a run is deleted before its messages, and its message stays. Null in messages that the version
  // before makes while it runs beside this one.
  `alter table message
     add column campaign_seq bigint,
     add column run_seq bigint`,
  // One statement: these are few beside the other messages, a campaign's run has a message for each wave.
  `update message set campaign_seq = run.campaign_seq, run_seq = run.seq
     from campaign_message made
     join campaign_wave wave on wave.seq = made.wave_seq
     join campaign_run run on run.seq = wave.run_seq
     where message.seq = made.message_seq`,
  `create index message_campaign on message (campaign_seq, accepted_at, seq) where campaign_seq is not null`,
  `create index message_run on message (run_seq, accepted_at, seq) where run_seq is not null`,
];
