import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { eventTrigger, writeEvents } from './0075-events.js';

/** Events of devices and subscriptions, beside the events with MobileFirst's names (0012-webhooks). */
export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

/** `kinds`: type, condition, and further members of the data, in their order. */
const devices = (from: string, kinds: readonly [string, string, string?][]): string => `
  select device.application_id, kind.type, 'device/' || device.device_id as subject, null::text as label,
    null::text as campaign_id, json_strip_nulls(json_build_object('applicationId', device.application_id,
      'deviceId', device.device_id, 'platform', device.platform, 'reason', kind.reason, 'tagName', kind.tag)) as data
  from ${from}
  cross join lateral (values ${kinds.map(([type, when, more], at) => `(${at}, '${type}', ${when}, ${more ?? `null, null`})`).join(', ')})
    as kind (nr, type, happened, reason, tag)
  where kind.happened order by device.seq, kind.nr`;

const subscriptions = (type: string): string =>
  devices('changed join device on device.seq = changed.device_seq', [[type, 'true', 'null, changed.tag_name']]);

const PROFILE = ['token', 'platform', 'user_id', 'phone_number', 'language', 'time_zone', 'app_version', 'attributes'];
const profile = (row: string): string => `(${PROFILE.map((column) => `${row}.${column}`).join(', ')})`;

const FUNCTIONS = [
  eventTrigger(
    'note_device',
    writeEvents(devices('changed as device', [['device.registered', 'device.retired_at is null']])),
  ),
  eventTrigger(
    'note_device_change',
    writeEvents(
      devices('changed as device join before on before.seq = device.seq', [
        ['device.registered', 'before.retired_at is not null and device.retired_at is null'],
        [
          'device.changed',
          `${profile('device')} is distinct from ${profile('before')} and before.retired_at is null and device.retired_at is null`,
        ],
        [
          'device.retired',
          'before.retired_at is null and device.retired_at is not null',
          'device.retired_reason, null',
        ],
        ['subscription.added', 'device.broadcast and not before.broadcast', `null, 'Push.ALL'`],
        ['subscription.removed', 'before.broadcast and not device.broadcast', `null, 'Push.ALL'`],
      ]),
    ),
  ),
  eventTrigger(
    'note_device_removal',
    writeEvents(devices('changed as device', [['device.retired', 'device.retired_at is null', `'removed', null`]])),
  ),
  eventTrigger('note_subscription', writeEvents(subscriptions('subscription.added'))),
  // Subscriptions deleted with their device have no event besides device.retired: the join finds no device.
  eventTrigger('note_subscription_removal', writeEvents(subscriptions('subscription.removed'))),
];

/** Called by a registration that takes the token of another device id; pairs of device ids. */
const MOVES = `
  create function note_moves(application text, moves json) returns void language plpgsql as $$
  begin
    ${writeEvents(`
      select application as application_id, 'device.moved' as type, 'device/' || move.into_id as subject,
        null::text as label, null::text as campaign_id, json_build_object('applicationId', application,
          'deviceId', move.into_id, 'fromDeviceId', move.from_id) as data
      from json_to_recordset(moves) as move (into_id text, from_id text)`)}
  end $$`;

const STATEMENTS = [
  ...FUNCTIONS,
  MOVES,
  `create trigger event_device after insert on device
     referencing new table as changed for each statement execute function note_device()`,
  `create trigger event_device_change after update on device
     referencing old table as before new table as changed for each statement execute function note_device_change()`,
  `create trigger event_device_removal after delete on device
     referencing old table as changed for each statement execute function note_device_removal()`,
  `create trigger event_subscription after insert on subscription
     referencing new table as changed for each statement execute function note_subscription()`,
  `create trigger event_subscription_removal after delete on subscription
     referencing old table as changed for each statement execute function note_subscription_removal()`,
];
