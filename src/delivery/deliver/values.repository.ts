import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { bigints } from '../../database/bigints.js';
import { DATABASE } from '../../database/database.module.js';
import type { Database } from '../../database/database.js';
import type { DeviceAttributes } from '../../database/tables.js';

/** What placeholders of a message may become on a device. */
export interface ValueSource {
  seq: number;
  userId: string | null;
  language: string | null;
  appVersion: string | null;
  /** What the app said. */
  attributes: DeviceAttributes;
  /** What the message's caller said of the user; null without. */
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
