import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';
import type { DeviceAttributes } from '../database/tables.js';

/** Values of placeholders that a message gave for the user. */
export interface UserValues {
  seq: number;
  messageId: string;
  fields: DeviceAttributes;
}

/** Reads the data about a user outside the devices. */
@Injectable()
export class UserDataRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** In the order of their messages, from those above `after`. */
  async values(applicationId: string, userId: string, after: number, limit: number): Promise<UserValues[]> {
    const { rows } = await sql<UserValues>`
      select message.seq, message.id as "messageId", fields from message_data join message on message.seq = message_seq
      where user_id = ${userId} and message_seq > ${after} and application_id = ${applicationId} and state <> 'removed'
      order by message_seq limit ${limit}`.execute(this.database.kysely);
    return rows;
  }

  /** Keys of recent campaign deliveries to the user (delivery/expand/reach.ts). */
  async reachKeys(applicationId: string, userId: string): Promise<number[]> {
    const { rows } = await sql<{ keys: number[] }>`
      select keys from reach where application_id = ${applicationId} and person = ${`u${userId}`}`.execute(
      this.database.kysely,
    );
    return rows[0]?.keys ?? [];
  }

  /** The user's devices, starting at `from`. */
  async deviceSeqs(
    applicationId: string,
    userId: string,
    from: number,
    limit: number,
  ): Promise<{ seq: number; deviceId: string }[]> {
    const { rows } = await sql<{ seq: number; deviceId: string }>`
      select seq, device_id as "deviceId" from device
      where application_id = ${applicationId} and user_id = ${userId} and seq >= ${from}
      order by seq limit ${limit}`.execute(this.database.kysely);
    return rows;
  }
}
