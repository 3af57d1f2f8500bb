import { Inject, Injectable } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import type { Kysely, RawBuilder } from 'kysely';
import { ApiError, notFound } from '../common/errors.js';
import { SQL_STATE, hasSqlState, isConflict } from '../common/sql-state.js';
import { bigints } from '../database/bigints.js';
import { DATABASE } from '../database/database.module.js';
import { executePrepared } from '../database/prepared.js';
import type { Database } from '../database/database.js';
import type { Tables } from '../database/tables.js';
import { inTransaction } from '../database/transaction.js';
import { setSubscriptions } from './device-transfer.repository.js';
import { DEVICE_COLUMNS, dayOf, toDevice } from './device.repository.js';
import type { Device, DeviceRow } from './device.repository.js';
import { lastOfEach } from './registration.js';
import type { DeviceRegistration, Holder, ImportedDevice } from './registration.js';

/** Undefined members keep their values. */
export type DeviceChange = Partial<Omit<DeviceRegistration, 'deviceId' | 'userAgent'>>;

export interface PutCounts {
  created: number;
  updated: number;
  /** Registrations that ended because their token came with another device id. */
  moved: number;
}

const ATTEMPTS = 5;

/** The columns of a JSON row. */
const ROW = sql`(device_id text, platform text, provider text, token text, identity text, user_id text, phone_number text,
  user_agent text, language text, time_zone text, app_version text, attributes jsonb)`;

/**
 * Writes registrations. A provider's token belongs to one device id of an application: the last registration with the
 * token has it, and an earlier one ends.
 */
@Injectable()
export class DeviceRegistrationRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** Registers one device, or updates its registration. */
  async put(applicationId: string, device: DeviceRegistration, now: Date): Promise<Device> {
    const { put } = await this.makingRoom(applicationId, [device], [], (db) =>
      register(db, applicationId, [device], now),
    );
    return put[0]!;
  }

  /**
   * Registers devices with different ids and tokens in one statement; returns in the given order. Throws PostgreSQL's
   * error if another device has one of the tokens.
   */
  async putTogether(applicationId: string, devices: readonly DeviceRegistration[], now: Date): Promise<Device[]> {
    const put = await register(this.database.kysely, applicationId, devices, now);
    const byId = new Map(put.map((device) => [device.deviceId, device]));
    return devices.map(({ deviceId }) => byId.get(deviceId)!);
  }

  /**
   * Registers many devices in one statement, in the given order: of two with the same device id or token the later one
   * counts. With subscriptions it is one transaction.
   */
  async putMany(applicationId: string, devices: readonly ImportedDevice[], now: Date): Promise<PutCounts> {
    const { last, ended } = lastOfEach(devices);
    const tagNamesOf = new Map(last.flatMap(({ deviceId, tagNames }) => (tagNames ? [[deviceId, tagNames]] : [])));
    const putAll = async (db: Kysely<Tables>): Promise<PutRow[]> => {
      const rows = await upsert<PutRow>(db, applicationId, last, now, { name: 'register-many', columns: PUT_ROW });
      const tagged = rows.flatMap((row) => {
        const tagNames = tagNamesOf.get(row.device_id);
        return tagNames ? [{ ...row, tagNames }] : [];
      });
      await setSubscriptions(db, applicationId, tagged, now);
      return rows;
    };
    const { put, moved } = await this.makingRoom(applicationId, last, ended, putAll, tagNamesOf.size > 0);
    const created = put.filter((row) => row.created).length;
    return { created, updated: devices.length - created, moved };
  }

  /**
   * The device ids of the devices that are registered: under their id, or with their token under another id, from which
   * it moves.
   */
  async findKnown(applicationId: string, devices: readonly Holder[]): Promise<Set<string>> {
    const { rows } = await sql<{ deviceId: string }>`
      select new."deviceId" from jsonb_to_recordset(${toHolders(devices)}::jsonb)
          as new ("deviceId" text, provider text, identity text)
      where exists (select from device where application_id = ${applicationId} and device_id = new."deviceId")
        or exists (select from device where application_id = ${applicationId} and provider = new.provider
          and token_hash = sha256(convert_to(new.identity, 'UTF8')))`.execute(this.database.kysely);
    return new Set(rows.map(({ deviceId }) => deviceId));
  }

  /**
   * Returns undefined if there is no such device. A token in the change counts as a sign of life, like a registration.
   */
  async change(applicationId: string, deviceId: string, change: DeviceChange, now: Date): Promise<Device | undefined> {
    const { attributes, token, identity, platform, provider } = change;
    const alive = { retired_reason: null, retired_at: null, seen_on: dayOf(now), registered_at: now };
    const values = {
      platform,
      provider,
      token,
      user_id: change.userId,
      phone_number: change.phoneNumber,
      language: change.language,
      time_zone: change.timeZone,
      app_version: change.appVersion,
      attributes: attributes === undefined ? undefined : JSON.stringify(attributes ?? {}),
      updated_at: now,
      ...(identity !== undefined && { token_hash: hashOf(identity), ...alive }),
    };
    const mine = identity !== undefined && provider !== undefined ? [{ deviceId, identity, provider }] : [];
    const { put } = await this.makingRoom(applicationId, mine, [], (db) =>
      db
        .updateTable('device')
        .set(values)
        .where('application_id', '=', applicationId)
        .where('device_id', '=', deviceId)
        .returningAll()
        .execute(),
    );
    return put[0] && toDevice(put[0]);
  }

  /**
   * One statement if no token is taken and `follow` is false; else a transaction that first ends the registrations
   * with these tokens.
   */
  private async makingRoom<Row>(
    applicationId: string,
    devices: readonly Holder[],
    ended: readonly string[],
    put: (db: Kysely<Tables>) => Promise<Row[]>,
    follow = false,
  ): Promise<{ put: Row[]; moved: number }> {
    for (let attempt = 1; ; attempt++)
      try {
        if (attempt === 1 && ended.length === 0 && !follow) return { put: await put(this.database.kysely), moved: 0 };
        return await inTransaction(this.database, async (transaction) => {
          const sure = attempt === 1 && ended.length === 0;
          const moved = sure ? 0 : await endHolders(transaction, applicationId, devices, ended);
          return { put: await put(transaction), moved };
        });
      } catch (error) {
        const { table } = error as { table?: string };
        const hasNoParent = hasSqlState(error, SQL_STATE.foreignKeyViolation);
        // Tried again: the tag was removed concurrently, and is created again.
        const isTagGone = hasNoParent && table === 'subscription';
        if (hasNoParent && !isTagGone) throw notFound('application', 'applicationId');
        if (!isTagGone && !isConflict(error) && !hasSqlState(error, SQL_STATE.uniqueViolation)) throw error;
        if (attempt === ATTEMPTS)
          throw new ApiError(
            'FPWSE0025E',
            'The token is being registered by another request. Try again.',
            {},
            { cause: error },
          );
      }
  }
}

interface PutRow {
  created: boolean;
  seq: number;
  device_id: string;
  broadcast: boolean;
}

const PUT_ROW = sql`(xmax = 0) as created, device.seq, device.device_id, device.broadcast`;

/**
 * Ends the registrations with a token of `devices` under other ids, and those in `ended`; returns how many. A
 * registration that is also in `devices` gets its new token there, and has none until then.
 */
async function endHolders(
  db: Kysely<Tables>,
  applicationId: string,
  devices: readonly Holder[],
  ended: readonly string[],
): Promise<number> {
  const staying = new Set(devices.map((device) => device.deviceId));
  const { rows } = await sql<{ seq: number; device_id: string }>`
    select seq, device_id from device where seq in (
      select device.seq from jsonb_to_recordset(${toHolders(devices)}::jsonb)
          as new ("deviceId" text, provider text, identity text)
        join device on device.application_id = ${applicationId} and device.provider = new.provider
          and device.token_hash = sha256(convert_to(new.identity, 'UTF8')) and device.device_id <> new."deviceId"
      union select seq from device where application_id = ${applicationId} and device_id = any(${ended}::text[]))
    order by seq for update`.execute(db);
  const [renewed, gone] = [true, false].map((stays) =>
    rows.filter((row) => staying.has(row.device_id) === stays).map((row) => row.seq),
  ) as [number[], number[]];
  await sql`update device set token_hash = sha256(convert_to('none of ' || seq, 'UTF8'))
    where seq = any(${bigints(renewed)})`.execute(db);
  if (gone.length > 0)
    await sql`
      select note_moves(${applicationId}, json_agg(json_build_object('into_id', new."deviceId", 'from_id', device_id)))
      from jsonb_to_recordset(${toHolders(devices)}::jsonb) as new ("deviceId" text, provider text, identity text)
      join device on seq = any(${bigints(gone)}) and device.provider = new.provider
        and token_hash = sha256(convert_to(new.identity, 'UTF8'))
      having count(*) > 0`.execute(db);
  await sql`delete from device where seq = any(${bigints(gone)})`.execute(db);
  return gone.length;
}

async function register(
  db: Kysely<Tables>,
  applicationId: string,
  devices: readonly DeviceRegistration[],
  now: Date,
): Promise<Device[]> {
  const rows = await upsert<DeviceRow>(db, applicationId, devices, now, { name: 'register', columns: DEVICE_COLUMNS });
  return rows.map(toDevice);
}

async function upsert<Row>(
  db: Kysely<Tables>,
  applicationId: string,
  devices: readonly DeviceRegistration[],
  now: Date,
  returning: { name: string; columns: RawBuilder<unknown> },
): Promise<Row[]> {
  // JSON, whose length does not change the plan's cost (executePrepared in database/prepared.ts).
  const emptied = (field: ProfileField): RawBuilder<boolean> => {
    const ids = devices.filter((device) => device[field] === null).map(({ deviceId }) => deviceId);
    return sql`${JSON.stringify(ids)}::jsonb ? excluded.device_id`;
  };
  const statement = sql<Row>`
    insert into device (application_id, device_id, platform, provider, token, token_hash, user_id, phone_number, user_agent,
      language, time_zone, app_version, attributes, seen_on, registered_at, created_at, updated_at)
    select ${applicationId}, device_id, platform, provider, token, sha256(convert_to(identity, 'UTF8')), user_id, phone_number,
      user_agent, language, time_zone, app_version, coalesce(attributes, '{}'), ${dayOf(now)}::date, ${now}::timestamptz,
      ${now}::timestamptz, ${now}::timestamptz
    from jsonb_to_recordset(${JSON.stringify(devices.map(toRow))}::jsonb) as new ${ROW}
    order by device_id
    on conflict (application_id, device_id) do update set platform = excluded.platform, provider = excluded.provider,
      token = excluded.token, token_hash = excluded.token_hash, user_id = excluded.user_id,
      phone_number = excluded.phone_number, user_agent = excluded.user_agent,
      language = ${kept('language', emptied('language'))}, time_zone = ${kept('time_zone', emptied('timeZone'))},
      app_version = ${kept('app_version', emptied('appVersion'))},
      attributes = case when excluded.attributes = '{}' and not ${emptied('attributes')}
        then device.attributes else excluded.attributes end,
      retired_reason = null, retired_at = null, seen_on = excluded.seen_on, registered_at = excluded.registered_at,
      updated_at = excluded.updated_at
    returning ${returning.columns}`;
  return executePrepared(db, returning.name, statement);
}

type ProfileField = 'language' | 'timeZone' | 'appVersion' | 'attributes';

/** The former value if none is given; null for the devices that ask for it. */
function kept(column: string, emptied: RawBuilder<boolean>): RawBuilder<unknown> {
  const [given, before] = [sql.ref(`excluded.${column}`), sql.ref(`device.${column}`)];
  return sql`case when ${emptied} then null else coalesce(${given}, ${before}) end`;
}

function toHolders(devices: readonly Holder[]): string {
  return JSON.stringify(devices.map(({ deviceId, identity, provider }) => ({ deviceId, identity, provider })));
}

function toRow(device: DeviceRegistration): Record<string, unknown> {
  return {
    device_id: device.deviceId,
    platform: device.platform,
    provider: device.provider,
    token: device.token,
    identity: device.identity,
    user_id: device.userId,
    phone_number: device.phoneNumber,
    user_agent: device.userAgent,
    language: device.language,
    time_zone: device.timeZone,
    app_version: device.appVersion,
    attributes: device.attributes,
  };
}

/** The value of the unique index of tokens. */
export function hashOf(identity: string): Buffer {
  return createHash('sha256').update(identity).digest();
}
