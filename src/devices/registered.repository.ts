import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';
import type { Target } from '../database/tables.js';

export interface RegisteredId {
  /** The device or user id of the target. */
  id: string;
  /** Whose it is: the user, or a device without one itself. */
  owner: string;
}

/** Which ids of a target somebody here answers to. */
@Injectable()
export class RegisteredRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** Of a target with device or user ids: those with a device that gets messages, of the target's platforms. */
  async listRegistered(
    applicationId: string,
    { deviceIds, userIds, platforms }: Pick<Target, 'deviceIds' | 'userIds' | 'platforms'>,
  ): Promise<RegisteredId[]> {
    const [column, ids] = deviceIds ? [sql.ref('device_id'), deviceIds] : [sql.ref('user_id'), userIds ?? []];
    const ofPlatforms = platforms ? sql`platform = any(${platforms})` : sql`true`;
    const { rows } = await sql<RegisteredId>`
      select distinct ${column} as id, coalesce(user_id, device_id) as owner from device
      where application_id = ${applicationId} and ${column} = any(${ids}) and retired_reason is null
        and ${ofPlatforms}`.execute(this.database.kysely);
    return rows;
  }
}
