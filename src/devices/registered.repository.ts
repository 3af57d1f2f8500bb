import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';
import type { Target } from '../database/tables.js';

export interface RegisteredId {
  /** The device or user id in the target. */
  id: string;
  /** The user of the id, or the device itself if it has no user. */
  owner: string;
}

export interface AskedTarget {
  applicationId: string;
  target: Pick<Target, 'deviceIds' | 'userIds' | 'platforms'>;
}

/** Tells which ids of a target are registered here. */
@Injectable()
export class RegisteredRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /**
   * For targets with device or user ids, in one statement: the ids that have a device on the target's platforms which
   * is not retired.
   */
  async listRegistered(asked: readonly AskedTarget[]): Promise<RegisteredId[][]> {
    const found = asked.map((): RegisteredId[] => []);
    const flat = asked.flatMap(({ applicationId, target: { deviceIds, userIds, platforms } }, index) =>
      (deviceIds ?? userIds ?? []).map((id) => ({
        index,
        application_id: applicationId,
        by_user: !deviceIds,
        id,
        platforms,
      })),
    );
    // An index look-up per id, independent of statistics.
    const { rows } = await sql<RegisteredId & { index: number }>`
      select distinct asked.index, asked.id, device.owner
      from json_to_recordset(${JSON.stringify(flat)}::json)
        as asked (index integer, application_id text, by_user boolean, id text, platforms text[]),
      lateral (
        (select coalesce(user_id, device_id) as owner, platform from device
          where not asked.by_user and application_id = asked.application_id and device_id = asked.id
            and retired_reason is null)
        union all
        (select user_id, platform from device
          where asked.by_user and application_id = asked.application_id and user_id = asked.id and retired_reason is null)
      ) as device
      where asked.platforms is null or device.platform = any(asked.platforms)`.execute(this.database.kysely);
    for (const { index, ...registered } of rows) found[index]?.push(registered);
    return found;
  }
}
