import { Inject, Injectable } from '@nestjs/common';
import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { recordAudit } from '../auth/audit.repository.js';
import type { Actor } from '../auth/audit.repository.js';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';
import { inTransaction } from '../database/transaction.js';
import type { Tx } from '../database/transaction.js';
import { ForgettingRepository } from './forgetting.repository.js';
import type { Removal } from './forgetting.repository.js';

/** Rows per step: transactions of about 5 to 100 ms. */
const DEVICES = 500;
const VALUES = 2_000;
const EVENTS = 1_000;

/** `devices`: some were deleted, more may be left. `held`: the rest is locked by another transaction. */
export type RemovalStep = 'devices' | 'more' | 'held' | 'done';

/** Deletes the data about a user. Several processes share the work; a crash does not lose it. */
@Injectable()
export class UserRemovalRepository {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly forgetting: ForgettingRepository,
  ) {}

  /**
   * After the commit, the data is certain to be deleted. A second request restarts the pass with the pseudonym of the
   * first.
   */
  begin(applicationId: string, userId: string, actor: Actor): Promise<void> {
    return inTransaction(this.database, async (transaction) => {
      const { rows } = await sql<{ pseudonym: string }>`
        insert into user_removal (application_id, user_id, pseudonym, asked_at, last_device, last_message)
        select ${applicationId}, ${userId}, ${`removed-${randomBytes(15).toString('base64url')}`}, clock_timestamp(),
          coalesce((select max(seq) from device where application_id = ${applicationId}), 0),
          coalesce((select max(seq) from message), 0)
        on conflict (application_id, user_id) do update set asked_at = excluded.asked_at,
          last_device = excluded.last_device, last_message = excluded.last_message, looked_at = '-infinity', looked_seq = 0
        returning pseudonym`.execute(transaction);
      // The audit entry is kept, so it must not name the user.
      const detail = { pseudonym: rows[0]?.pseudonym };
      await recordAudit(transaction, actor, { action: 'user.delete', subject: applicationId, detail });
    });
  }

  /** One step, for the given user or for the oldest removal. Devices are deleted first. */
  removeSome(of?: { applicationId: string; userId: string }): Promise<RemovalStep> {
    const wanted = of ? sql`application_id = ${of.applicationId} and user_id = ${of.userId}` : sql`true`;
    return inTransaction(this.database, async (transaction) => {
      const { rows } = await sql<Removal>`
        select * from user_removal where ${wanted} order by asked_at limit 1 for update skip locked`.execute(
        transaction,
      );
      const [removal] = rows;
      if (!removal) {
        const left = await sql`select from user_removal where ${wanted} limit 1`.execute(transaction);
        return left.rows.length === 0 ? 'done' : 'held';
      }
      const devices = await this.removeDevices(removal, transaction);
      if (devices !== 'done') return devices;
      if (await removeEvents(removal, transaction)) return 'more';
      if (await eraseDeviceEvents(removal, transaction)) return 'more';
      if (await this.removeValues(removal, transaction)) return 'more';
      const step = await this.forgetting.step(removal, transaction);
      if (step !== 'done') return step;
      await sql`delete from user_removal where application_id = ${removal.application_id} and user_id = ${removal.user_id}`.execute(
        transaction,
      );
      return of ? 'done' : 'more';
    });
  }

  /** Deletes devices with their subscriptions, as single deletions do; messages keep their counts of deliveries. */
  private async removeDevices(removal: Removal, transaction: Tx): Promise<RemovalStep> {
    const { application_id: applicationId, user_id: userId } = removal;
    const theirs = sql`application_id = ${applicationId} and user_id = ${userId} and seq <= ${removal.last_device}`;
    const { rows } = await sql<{ device_id: string }>`
      delete from device where seq = any (array(
        select seq from device where ${theirs} order by seq limit ${DEVICES} for update skip locked))
      returning device_id`.execute(transaction);
    if (rows.length === 0) {
      const left = await sql`select from device where ${theirs} limit 1`.execute(transaction);
      return left.rows.length === 0 ? 'done' : 'held';
    }
    const ids = rows.map((row) => row.device_id);
    await sql`
      update user_removal set device_ids = device_ids || ${JSON.stringify(ids)}::jsonb
      where application_id = ${applicationId} and user_id = ${userId}`.execute(transaction);
    const persons = [`u${userId}`, ...ids.map((id) => `d${id}`)];
    await sql`delete from reach where application_id = ${applicationId} and person = any(${persons})`.execute(
      transaction,
    );
    return 'devices';
  }

  /** Returns false if none is left. Also deletes the reach entries of a user without devices. */
  private async removeValues(removal: Removal, transaction: Tx): Promise<boolean> {
    const { application_id: applicationId, user_id: userId } = removal;
    await sql`
      delete from reach using user_removal as removal where reach.application_id = ${applicationId}
        and reach.person = ${`u${userId}`} and removal.application_id = ${applicationId}
        and removal.user_id = ${userId} and removal.looked_seq = 0`.execute(transaction);
    const { rows } = await sql`
      delete from message_data where user_id = ${userId} and message_seq in (
        select message_seq from message_data join message on message.seq = message_seq
        where user_id = ${userId} and message_seq <= ${removal.last_message} and application_id = ${applicationId}
        limit ${VALUES})
      returning 1`.execute(transaction);
    return rows.length === VALUES;
  }
}

/** Events about the user that webhooks keep for a replay. Returns false if none is left. */
async function removeEvents(removal: Removal, transaction: Tx): Promise<boolean> {
  const { rows } = await sql`
    with lot as materialized (
      select webhook_id, ended.id from webhook_event_ended as ended join webhook on webhook.id = webhook_id
      where ended.user_id = ${removal.user_id} and ended.user_id <> 'anonymous'
        and webhook.application_id = ${removal.application_id}
      limit ${EVENTS} for update of ended skip locked)
    delete from webhook_event_ended as ended using lot where ended.webhook_id = lot.webhook_id and ended.id = lot.id
    returning 1`.execute(transaction);
  return rows.length === EVENTS;
}

/**
 * Events of the user's devices, but those that say that a device is retired: a backend learns from them what to forget.
 * A row of the feed stays as an empty place, because a cursor may stand there. Returns false if none is left.
 */
async function eraseDeviceEvents(removal: Removal, transaction: Tx): Promise<boolean> {
  const ofDevices = sql`subject like 'device/%' and subject = any(${removal.device_ids.map((id) => `device/${id}`)}::text[])`;
  const { rows } = await sql`
    with told as (
      select id from event where application_id = ${removal.application_id} and ${ofDevices} and type <> 'device.retired'
      limit ${EVENTS} for update skip locked),
    erased as (
      update event set application_id = '', subject = '', body = 'null' from told where event.id = told.id returning 1),
    kept as (
      select webhook_id, id from webhook_event_ended
      where webhook_id in (select id from webhook where application_id = ${removal.application_id})
        and ${ofDevices} and body->>'type' <> 'device.retired'
      limit ${EVENTS} for update skip locked),
    gone as (
      delete from webhook_event_ended as ended using kept
      where ended.webhook_id = kept.webhook_id and ended.id = kept.id returning 1)
    select 1 from erased union all select 1 from gone`.execute(transaction);
  return rows.length >= EVENTS;
}
