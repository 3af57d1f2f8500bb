import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { bigints } from '../../database/bigints.js';
import { DATABASE } from '../../database/database.module.js';
import type { Database } from '../../database/database.js';
import type { DeviceAttributes } from '../../database/tables.js';

/** The sources of a device's placeholder values. */
export interface ValueSource {
  seq: number;
  userId: string | null;
  language: string | null;
  appVersion: string | null;
  /** Attributes that the app registered. */
  attributes: DeviceAttributes;
  /** Values that the message's caller gave for the user; null if there are none. */
  fields: DeviceAttributes | null;
}

@Injectable()
export class ValuesRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  async find(messageSeq: number, deviceSeqs: readonly number[]): Promise<ValueSource[]> {
    const { rows } = await sql<ValueSource>`
      select device.seq, device.user_id as "userId", device.language, device.app_version as "appVersion",
        device.attributes, message_data.fields
      from device
      left join message_data on message_data.message_seq = ${messageSeq} and message_data.user_id = device.user_id
      where device.seq = any(${bigints(deviceSeqs)})`.execute(this.database.kysely);
    return rows;
  }
}
