import { Inject, Injectable } from '@nestjs/common';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';

@Injectable()
export class CallingDeviceRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** Undefined if the device is not registered. */
  find(applicationId: string, deviceId: string): Promise<{ seq: number; userId: string | null } | undefined> {
    return this.database.kysely
      .selectFrom('device')
      .select(['seq', 'user_id as userId'])
      .where('application_id', '=', applicationId)
      .where('device_id', '=', deviceId)
      .executeTakeFirst();
  }
}
