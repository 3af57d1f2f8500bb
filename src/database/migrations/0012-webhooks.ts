import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/**
 * Webhooks and their outbox. Triggers write the events in the transaction of the change: a single registration, a bulk
 * import, or a token that moves to another device.
 */
export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

/** In the form of the vendor's cloud service: an entity inside the event, times in epoch ms. */
const DEVICE = (row: string): string => `json_build_object('id', ${row}.seq, 'deviceId', ${row}.device_id,
  'applicationId', ${row}.application_id, 'userId', coalesce(${row}.user_id, 'anonymous'), 'token', ${row}.token,
  'platform', ${row}.platform)`;
const EVENT = (
  type: string,
  row: string,
  entity: string,
): string => `json_build_object('type', ${type}, 'entity', ${entity},
  'applicationId', ${row}.application_id, 'eventTimeStamp', floor(extract(epoch from clock_timestamp()) * 1000)::bigint)`;
const SUBSCRIPTION = (device: string, tag: string, id: string): string =>
  `json_build_object('device', ${DEVICE(device)}, 'tagName', ${tag}, 'subscriptionId', ${id}::text)`;

const WANTED_BY = (row: string, type: string): string =>
  `join webhook on webhook.application_id = ${row}.application_id and ${type} = any(webhook.event_types)`;

/** Without webhooks a statement costs one look at an empty table, for any number of rows. */
const TRIGGER_FUNCTION = (name: string, body: string): string => `
  create function ${name}() returns trigger language plpgsql as $$
  begin
    if not exists (select from webhook) then return null; end if;
    ${body}
    return null;
  end $$`;
const INSERT = 'insert into webhook_event (webhook_id, body) select webhook.id,';

const deviceEvents = (type: string): string => `
  ${INSERT} ${EVENT(`'${type}'`, 'changed', DEVICE('changed'))}
  from changed ${WANTED_BY('changed', `'${type}'`)} order by changed.seq;`;
const subscriptionEvents = (type: string): string => `
  ${INSERT} ${EVENT(`'${type}'`, 'device', SUBSCRIPTION('device', 'changed.tag_name', 'changed.id'))}
  from changed join device on device.seq = changed.device_seq ${WANTED_BY('device', `'${type}'`)} order by changed.id;`;
/** Push.ALL is a column of the device, and the id of its subscription derives from the device. */
const BROADCAST_TYPE = `case when changed.broadcast then 'onSubscribe' else 'onUnsubscribe' end`;

const STATEMENTS = [
  // lease_until: a process delivers the events in order until then. next_at: not before, after failures.
  `create table webhook (
     id bigint generated always as identity primary key,
     application_id text not null references application on delete cascade,
     name text not null,
     url text not null,
     event_types text[] not null,
     secret bytea not null,
     lease_until timestamptz,
     next_at timestamptz not null default now(),
     failures integer not null default 0,
     last_error text,
     created_at timestamptz not null default now(),
     unique (application_id, name)
   )`,
  `create table webhook_event (
     id bigint generated always as identity primary key,
     webhook_id bigint not null references webhook on delete cascade,
     body json not null,
     created_at timestamptz not null default now()
   )`,
  `create index webhook_event_order on webhook_event (webhook_id, id)`,

  TRIGGER_FUNCTION('note_device_register', deviceEvents('onDeviceRegister')),
  TRIGGER_FUNCTION('note_device_unregister', deviceEvents('onDeviceUnregister')),
  // A renewed registration changes registered_at; a sign of life or a retirement does not.
  TRIGGER_FUNCTION(
    'note_device_update',
    `${INSERT} ${EVENT(`'onDeviceUpdate'`, 'changed', DEVICE('changed'))}
     from changed join before on before.seq = changed.seq and before.registered_at <> changed.registered_at
     ${WANTED_BY('changed', `'onDeviceUpdate'`)} order by changed.seq;
     ${INSERT} ${EVENT(BROADCAST_TYPE, 'changed', SUBSCRIPTION('changed', `'Push.ALL'`, 'changed.seq'))}
     from changed join before on before.seq = changed.seq and before.broadcast <> changed.broadcast
     ${WANTED_BY('changed', BROADCAST_TYPE)} order by changed.seq;`,
  ),
  TRIGGER_FUNCTION('note_subscribe', subscriptionEvents('onSubscribe')),
  // Subscriptions deleted with their device have no event besides onDeviceUnregister: the join finds no device.
  TRIGGER_FUNCTION('note_unsubscribe', subscriptionEvents('onUnsubscribe')),

  `create trigger webhook_register after insert on device
     referencing new table as changed for each statement execute function note_device_register()`,
  `create trigger webhook_update after update on device
     referencing old table as before new table as changed for each statement execute function note_device_update()`,
  `create trigger webhook_unregister after delete on device
     referencing old table as changed for each statement execute function note_device_unregister()`,
  `create trigger webhook_subscribe after insert on subscription
     referencing new table as changed for each statement execute function note_subscribe()`,
  `create trigger webhook_unsubscribe after delete on subscription
     referencing old table as changed for each statement execute function note_unsubscribe()`,
];
