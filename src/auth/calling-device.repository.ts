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

  async isUsed(jti: string): Promise<boolean> {
    const row = await this.database.kysely
      .selectFrom('used_device_token')
      .select('jti')
      .where('jti', '=', jti)
      .executeTakeFirst();
    return row !== undefined;
  }

  /** Also deletes those that had ended by `over`. */
  async use(jti: string, endsAt: Date, over: Date): Promise<void> {
    await this.database.kysely.deleteFrom('used_device_token').where('ends_at', '<=', over).execute();
    await this.database.kysely
      .insertInto('used_device_token')
      .values({ jti, ends_at: endsAt })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
}
