import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { bigints } from '../../database/bigints.js';
import { DATABASE } from '../../database/database.module.js';
import { executePrepared } from '../../database/prepared.js';
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
    const [seq] = deviceSeqs;
    const isOne = deviceSeqs.length === 1;
    const query = sql<ValueSource>`
      select device.seq, device.user_id as "userId", device.language, device.app_version as "appVersion",
        device.attributes, message_data.fields
      from device
      left join message_data on message_data.message_seq = ${messageSeq} and message_data.user_id = device.user_id
      where device.seq = ${isOne ? sql`${seq}` : sql`any(${bigints(deviceSeqs)})`}`;
    // Planning takes several times as long as the look-up of one device.
    if (isOne) return executePrepared(this.database.kysely, 'values-of-one', query);
    return (await query.execute(this.database.kysely)).rows;
  }
}
