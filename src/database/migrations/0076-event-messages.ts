import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { eventTrigger, writeEvents } from './0075-events.js';

/** Events of messages, deliveries, campaign runs and providers. */
export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

/** `kinds`: types with the condition under which a row has that event, in their order. */
const messages = (from: string, kinds: readonly [string, string][]): string => `
  select message.application_id, kind.type, 'message/' || message.id as subject, message.label,
    campaign.id as campaign_id, json_strip_nulls(json_build_object('applicationId', message.application_id,
      'messageId', message.id, 'label', message.label, 'campaignId', campaign.id, 'state', message.state,
      'audience', case when message.finished_at is not null then message.audience end,
      'outcomes', case when message.totals is not null then json_build_object('accepted', message.totals[3],
        'rejected', message.totals[4], 'failed', message.totals[5], 'expired', message.totals[6],
        'cancelled', message.totals[7], 'unknown', message.totals[8]) end)) as data
  from ${from} left join campaign on campaign.seq = message.campaign_seq
  cross join lateral (values ${kinds.map(([type, when], at) => `(${at}, '${type}', ${when})`).join(', ')})
    as kind (nr, type, happened)
  where kind.happened order by message.seq, kind.nr`;

/** The code of a delivery's outcome if it is settled: an unknown delivery is not while it may be repeated. */
const settled = (outcome: string, details: string): string => `
  case ${outcome} when 0 then null when 1 then null
    when 7 then case when ${details}->(place - 1)::text->'retryAt' is null then 7 end else ${outcome} end`;

/** One event for each batch and outcome. `offset 0`: long columns are read once, and not once per delivery. */
export const deliveries = (more = ''): string => `
  select batch.application_id, 'delivery.' || outcome.name as type, 'message/' || message.id as subject, message.label,
    campaign.id as campaign_id, json_strip_nulls(json_build_object('applicationId', batch.application_id,
      'messageId', message.id, 'label', message.label, 'campaignId', campaign.id, 'provider', batch.provider,
      'count', lot.count, 'deliveries', lot.deliveries)) as data${more}
  from (
    select arrived.id, arrived.application_id, arrived.message_seq, arrived.provider, arrived.device_seqs,
      arrived.outcomes || ''::bytea as outcomes, departed.outcomes || ''::bytea as outcomes_before,
      arrived.details, departed.details as details_before
    from arrived join departed using (id)
    where exists (select from event_interest as interest where interest.application_id = arrived.application_id
      and exists (select from unnest(interest.event_types) as type where type like 'delivery.%'))
    offset 0) as batch
  join message on message.seq = batch.message_seq left join campaign on campaign.seq = message.campaign_seq
  cross join lateral (
    select code, count(*) as count, json_agg(json_build_object('deviceId', device_id, 'reason', reason)) as deliveries
    from (
      select now.code, device.device_id, batch.details->(place - 1)::text->>'reason' as reason
      from unnest(batch.device_seqs) with ordinality as member (device_seq, place)
      cross join lateral (select get_byte(batch.outcomes, place::int - 1) as outcome,
        get_byte(batch.outcomes_before, place::int - 1) as outcome_before offset 0) as at
      cross join lateral (select ${settled('outcome', 'batch.details')} as code,
        ${settled('outcome_before', 'batch.details_before')} as code_before offset 0) as now
      left join device on device.seq = member.device_seq
      where now.code is not null and now.code is distinct from now.code_before
      order by place) as changed
    group by code) as lot
  join (values (2, 'accepted'), (3, 'rejected'), (4, 'failed'), (5, 'expired'), (7, 'unknown'))
    as outcome (code, name) using (code)
  order by batch.id, code`;

const runs = (from: string, kinds: readonly [string, string][]): string => `
  select campaign.application_id, kind.type, 'campaign/' || campaign.id as subject, null::text as label,
    campaign.id as campaign_id, json_strip_nulls(json_build_object('applicationId', campaign.application_id,
      'campaignId', campaign.id, 'scheduledAt',
      to_char(run.scheduled_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'state', run.state,
      'reason', run.reason)) as data
  from ${from} join campaign on campaign.seq = run.campaign_seq
  cross join lateral (values ${kinds.map(([type, when], at) => `(${at}, '${type}', ${when})`).join(', ')})
    as kind (nr, type, happened)
  where kind.happened order by run.seq, kind.nr`;

const providers = (type: string, happened: string): string => `
  select setting.application_id, '${type}' as type, 'provider/' || setting.provider as subject, null::text as label,
    null::text as campaign_id, json_strip_nulls(json_build_object('applicationId', setting.application_id,
      'provider', setting.provider, 'reason', setting.paused_reason)) as data
  from arrived as setting join departed as before using (application_id, provider)
  where ${happened}`;

const BEGUN = `('expanding', 'sending')`;
const STATEMENTS = [
  eventTrigger(
    'note_message',
    writeEvents(
      messages('arrived as message', [
        ['message.accepted', 'true'],
        ['message.started', `message.state in ${BEGUN}`],
        ['message.finished', 'message.finished_at is not null'],
      ]),
    ),
  ),
  eventTrigger(
    'note_message_change',
    writeEvents(
      messages('arrived as message join departed as before on before.seq = message.seq', [
        [
          'message.started',
          `message.state in ${BEGUN} and before.state in ('awaitingApproval', 'scheduled', 'accepted')`,
        ],
        ['message.paused', 'message.paused_at is not null and before.paused_at is null'],
        ['message.cancelled', `message.state = 'cancelled' and before.state <> 'cancelled'`],
        ['message.finished', 'message.finished_at is not null and before.finished_at is null'],
      ]),
    ),
  ),
  // As for the statistics: most claims settle nothing.
  eventTrigger(
    'note_deliveries',
    `if not exists (select from arrived where counts[1] + counts[2] < size) then return null; end if;
     ${writeEvents(deliveries())}`,
  ),
  eventTrigger(
    'note_run',
    writeEvents(
      runs('arrived as run', [
        ['campaign.run.started', `run.state <> 'skipped'`],
        ['campaign.run.skipped', `run.state = 'skipped'`],
      ]),
    ),
  ),
  eventTrigger(
    'note_run_change',
    writeEvents(
      runs('arrived as run join departed as before on before.seq = run.seq', [
        ['campaign.run.finished', `run.state in ('sent', 'cancelled') and before.state = 'running'`],
        ['campaign.run.skipped', `run.state = 'skipped' and before.state <> 'skipped'`],
      ]),
    ),
  ),
  eventTrigger(
    'note_provider_change',
    writeEvents(providers('provider.paused', 'before.paused_reason is null and setting.paused_reason is not null')) +
      writeEvents(providers('provider.resumed', 'before.paused_reason is not null and setting.paused_reason is null')),
  ),
  `create trigger event_message after insert on message
     referencing new table as arrived for each statement execute function note_message()`,
  ...[
    ['message', 'note_message_change'],
    ['batch', 'note_deliveries'],
    ['campaign_run', 'note_run_change'],
    ['provider_setting', 'note_provider_change'],
  ].map(
    ([table, name]) => `create trigger event_${table}_change after update on ${table}
       referencing old table as departed new table as arrived for each statement execute function ${name}()`,
  ),
  `create trigger event_run after insert on campaign_run
     referencing new table as arrived for each statement execute function note_run()`,
];
