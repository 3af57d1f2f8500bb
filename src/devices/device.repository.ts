import { Inject, Injectable } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';
import type { ProviderName, Recipient } from '../providers/provider.js';

export interface DeviceRegistration {
  applicationId: string;
  deviceId: string;
  platform: string;
  provider: ProviderName;
  token: string;
  userId: string | null;
  phoneNumber: string | null;
  userAgent: string | null;
}

export interface Device extends DeviceRegistration {
  createdAt: Date;
  updatedAt: Date;
}

/** What delivery needs of a device: what its provider needs, and who it is. */
export interface DeliverableDevice extends Recipient {
  seq: number;
}

/** The reason of a retirement that a sign of life ends. */
export const UNSEEN = 'unseen';

const UNIQUE_VIOLATION = '23505';

@Injectable()
export class DeviceRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** Registers or updates by device id. A token that another device id holds moves here: that registration ends. */
  async put(device: DeviceRegistration, now: Date): Promise<Device> {
    try {
      return await this.upsert(device, now);
    } catch (error) {
      if ((error as { code?: string }).code !== UNIQUE_VIOLATION) throw error;
      return this.database.kysely.transaction().execute(async (transaction) => {
        await transaction
          .deleteFrom('device')
          .where('application_id', '=', device.applicationId)
          .where('provider', '=', device.provider)
          .where('token_hash', '=', hashOf(device.token))
          .where('device_id', '<>', device.deviceId)
          .execute();
        return this.upsert(device, now, transaction);
      });
    }
  }

  async find(applicationId: string, deviceId: string): Promise<Device | undefined> {
    const row = await this.database.kysely
      .selectFrom('device')
      .selectAll()
      .where('application_id', '=', applicationId)
      .where('device_id', '=', deviceId)
      .executeTakeFirst();
    return (
      row && {
        applicationId,
        deviceId,
        platform: row.platform,
        provider: row.provider,
        token: row.token,
        userId: row.user_id,
        phoneNumber: row.phone_number,
        userAgent: row.user_agent,
        createdAt: row.created_at,
        updatedAt: row.updated_at,
      }
    );
  }

  /**
   * The app gave a sign of life: SDKs read their own registration at each start and register only when it changed. At
   * most one write a day; a device that was retired as unseen is alive again.
   */
  async noteSeen(applicationId: string, deviceId: string, now: Date): Promise<void> {
    await sql`
      update device set seen_on = ${dayOf(now)}::date,
        retired_reason = case when retired_reason = ${UNSEEN} then null else retired_reason end,
        retired_at = case when retired_reason = ${UNSEEN} then null else retired_at end
      where application_id = ${applicationId} and device_id = ${deviceId} and seen_on < ${dayOf(now)}::date`.execute(
      this.database.kysely,
    );
  }

  async findSeq(applicationId: string, deviceId: string): Promise<number | undefined> {
    const row = await this.database.kysely
      .selectFrom('device')
      .select('seq')
      .where('application_id', '=', applicationId)
      .where('device_id', '=', deviceId)
      .executeTakeFirst();
    return row?.seq;
  }

  /** False when there was none. */
  async remove(applicationId: string, deviceId: string): Promise<boolean> {
    const removed = await this.database.kysely
      .deleteFrom('device')
      .where('application_id', '=', applicationId)
      .where('device_id', '=', deviceId)
      .returning('seq')
      .executeTakeFirst();
    return removed !== undefined;
  }

  /**
   * Those of the given seqs, in ascending order, that can still be sent to at the provider, in no particular order and
   * perhaps with others between them: a broadcast's devices are neighbours, and reading a range costs a third of
   * looking up each.
   */
  async findDeliverable(seqs: readonly number[], provider: ProviderName): Promise<DeliverableDevice[]> {
    const [first = 0, last = 0] = [seqs[0], seqs.at(-1)];
    const among =
      last - first < 2 * seqs.length
        ? sql`seq between ${first} and ${last}`
        : sql`seq = any(${`{${seqs.join(',')}}`}::bigint[])`;
    const { rows } = await sql<DeliverableDevice>`
      select seq, token, platform, (date_part('epoch', registered_at) * 1000)::bigint as "registeredAt" from device
      where ${among} and provider = ${provider} and retired_reason is null`.execute(this.database.kysely);
    return rows;
  }

  /** Takes devices out of every audience until they register again; a registration newer than `before` is kept. */
  async retire(seqs: readonly number[], reason: string, before: Date): Promise<void> {
    if (seqs.length === 0) return;
    await this.database.kysely
      .updateTable('device')
      .set({ retired_reason: reason, retired_at: sql<Date>`now()` })
      .where('seq', 'in', seqs)
      .where('registered_at', '<=', before)
      .execute();
  }

  private async upsert(device: DeviceRegistration, now: Date, db = this.database.kysely): Promise<Device> {
    const values = {
      platform: device.platform,
      provider: device.provider,
      token: device.token,
      token_hash: hashOf(device.token),
      user_id: device.userId,
      phone_number: device.phoneNumber,
      user_agent: device.userAgent,
      retired_reason: null,
      retired_at: null,
      seen_on: dayOf(now),
      registered_at: now,
      updated_at: now,
    };
    const row = await db
      .insertInto('device')
      .values({ application_id: device.applicationId, device_id: device.deviceId, created_at: now, ...values })
      .onConflict((conflict) => conflict.columns(['application_id', 'device_id']).doUpdateSet(values))
      .returning(['created_at'])
      .executeTakeFirstOrThrow();
    return { ...device, createdAt: row.created_at, updatedAt: now };
  }
}

/** `YYYY-MM-DD`, UTC. */
export function dayOf(date: Date): string {
  return date.toISOString().slice(0, 10);
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
