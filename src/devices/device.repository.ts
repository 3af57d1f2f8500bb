import { Inject, Injectable } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';
import type { ProviderName } from '../providers/provider.js';

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

/** What delivery needs of a device. */
export interface DeliverableDevice {
  seq: number;
  token: string;
  platform: string;
  registeredAt: Date;
}

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

  /** Those of the given seqs that can still be sent to, in no particular order. */
  async findDeliverable(seqs: readonly number[]): Promise<DeliverableDevice[]> {
    const { rows } = await sql<{ seq: number; token: string; platform: string; registered_at: Date }>`
      select seq, token, platform, registered_at from device
      where seq = any(${`{${seqs.join(',')}}`}::bigint[]) and retired_reason is null`.execute(this.database.kysely);
    return rows.map((row) => ({
      seq: row.seq,
      token: row.token,
      platform: row.platform,
      registeredAt: row.registered_at,
    }));
  }

  /** Takes devices out of every audience until they register again; a registration newer than `before` is kept. */
  async retire(seqs: readonly number[], reason: string, before: Date): Promise<void> {
    if (seqs.length === 0) return;
    await this.database.kysely
      .updateTable('device')
      .set({ retired_reason: reason })
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

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
