import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { DATABASE } from '../../database/database.module.js';
import { executePrepared } from '../../database/database.js';
import type { Database } from '../../database/database.js';
import { BATCH_SIZE } from '../../delivery/batching.js';
import type { ProviderName } from '../../providers/provider.js';

/** Some device or user ids of one request. */
export interface AskedIds {
  applicationId: string;
  kind: 'deviceIds' | 'userIds';
  ids: readonly string[];
}

export interface NamedDevice {
  /** The id that was asked for. */
  id: string;
  seq: number;
  provider: ProviderName;
  platform: string;
  /** It gets nothing until it registers again. */
  retired: boolean;
}

@Injectable()
export class RecipientRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /**
   * The devices of several requests, in one statement; of one user at most one more than a batch holds. An index look-up for
   * each id, whatever the statistics say.
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
    for (const { index, ...device } of await executePrepared(this.database, 'recipients', query))
      found[index]?.push(device);
    return found;
  }
}
