import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { writeEvents } from './0075-events.js';

/** Events of credentials that end soon, written by `event.repository.ts`. */
export async function up(db: Kysely<never>): Promise<void> {
  await sql.raw(NOTE).execute(db);
}

/** Once a day for each credential. The times are ISO 8601 in UTC with milliseconds, in the order of their texts. */
const ENDING = `
  select application_id, 'credential.expiring' as type, 'credential/' || provider as subject, null::text as label,
    null::text as campaign_id, json_build_object('applicationId', application_id, 'provider', provider,
      'endsAt', visible->>'validUntil') as data
  from provider_setting
  where visible->>'validUntil'
      < to_char((now() + make_interval(days => note_ending.days)) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
    and not exists (select from event where event.application_id = provider_setting.application_id
      and event.type = 'credential.expiring' and event.subject = 'credential/' || provider_setting.provider
      and event.created_at > now() - interval '1 day')`;

const NOTE = `
  create function note_ending(days integer) returns void language sql as $$ ${writeEvents(ENDING)} $$`;
