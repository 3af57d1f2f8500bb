import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { DATABASE } from '../../database/database.module.js';
import { executePrepared } from '../../database/prepared.js';
import type { Database } from '../../database/database.js';
import { BATCH_SIZE } from '../../delivery/batching.js';
import type { ProviderName } from '../../providers/provider.js';

/** Device or user ids of one request. */
export interface AskedIds {
  applicationId: string;
  kind: 'deviceIds' | 'userIds';
  ids: readonly string[];
}

export interface NamedDevice {
  /** The requested id. */
  id: string;
  seq: number;
  provider: ProviderName;
  platform: string;
  /** A retired device gets no messages until it registers again. */
  retired: boolean;
}

@Injectable()
export class RecipientRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /**
   * Finds the devices of several requests in one statement; for each user at most one more than fits into a batch. Uses
   * an index look-up per id, independent of statistics.
   */
  async find(asked: readonly AskedIds[]): Promise<NamedDevice[][]> {
    const found = asked.map((): NamedDevice[] => []);
    const flat = asked.flatMap(({ applicationId, kind, ids }, index) =>
      ids.map((id) => ({ index, application_id: applicationId, by_user: kind === 'userIds', id })),
    );
    const query = sql<NamedDevice & { index: number }>`
      select asked.index, asked.id, device.seq, device.provider, device.platform, device.retired
      from json_to_recordset(${JSON.stringify(flat)}::json)
        as asked (index integer, application_id text, by_user boolean, id text),
      lateral (
        (select seq, provider, platform, retired_reason is not null as retired from device
          where not asked.by_user and application_id = asked.application_id and device_id = asked.id)
        union all
        (select seq, provider, platform, retired_reason is not null from device
          where asked.by_user and application_id = asked.application_id and user_id = asked.id limit ${BATCH_SIZE + 1})
      ) as device`;
    for (const { index, ...device } of await executePrepared(this.database.kysely, 'recipients', query))
      found[index]?.push(device);
    return found;
  }
}
