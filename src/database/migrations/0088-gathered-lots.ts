import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { writeEvents } from './0075-events.js';
import { deliveries } from './0076-event-messages.js';

/**
 * A lot of less than a thousand outcomes of a large message waits for more before it gets its position
 * (events/lot.repository.ts). `gathered`: its outcomes; null: the event waits for nothing.
 */
export async function up(db: Kysely<never>): Promise<void> {
  await sql`alter table event add column gathered integer`.execute(db);
  await sql.raw(NOTE_DELIVERIES).execute(db);
}

const NOTE_DELIVERIES = `
  create or replace function note_deliveries() returns trigger language plpgsql as $$
  begin
    if not exists (select from event_feed) and not exists (select from webhook) then return null; end if;
    if not exists (select from arrived where counts[1] + counts[2] < size) then return null; end if;
    ${writeEvents(
      deliveries(`,
        case when lot.count < 1000 and (message.audience > 1000 or message.state = 'expanding')
          then lot.count end as gathered`),
      ', gathered',
    )}
    return null;
  end $$`;
