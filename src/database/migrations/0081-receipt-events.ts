import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { eventTrigger, writeEvents } from './0075-events.js';

/** Events of receipts: one for each message and kind of a statement, which takes a lot of receipts. */
export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

/** Of the names that the statement added; `action:reply` is the kind action. */
const RECEIPTS = `
  select message.application_id, 'receipt.' || lot.kind as type, 'message/' || message.id as subject, message.label,
    campaign.id as campaign_id, json_strip_nulls(json_build_object('applicationId', message.application_id,
      'messageId', message.id, 'label', message.label, 'campaignId', campaign.id, 'count', lot.count,
      'receipts', lot.receipts)) as data
  from (
    select changed.message_seq, split_part(name, ':', 1) as kind, count(*) as count,
      json_agg(json_build_object('deviceId', device.device_id,
        'action', case when name like 'action:%' then substr(name, 8) end) order by device.seq, name) as receipts
    from changed cross join lateral jsonb_object_keys(changed.added) as name
    join device on device.seq = changed.device_seq
    group by changed.message_seq, kind) as lot
  join message on message.seq = lot.message_seq left join campaign on campaign.seq = message.campaign_seq
  order by message.seq, lot.kind = 'action', lot.kind <> 'displayed', lot.kind`;

const STATEMENTS = [
  eventTrigger('note_receipts', writeEvents(RECEIPTS)),
  ...['insert', 'update'].map(
    (act) => `create trigger event_receipt_${act} after ${act} on receipt
       referencing new table as changed for each statement execute function note_receipts()`,
  ),
];
