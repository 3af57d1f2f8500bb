import { Inject, Injectable } from '@nestjs/common';
import { Gather } from '../common/gather.js';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';

export interface Application {
  id: string;
  enabled: boolean;
}

export interface FoundApplication extends Application {
  /** The readable part of its upstream's settings; null without any. It comes along because every send asks for it. */
  upstream: Record<string, unknown> | null;
}

const LOOK_UPS_AT_ONCE = 500;

@Injectable()
export class ApplicationRepository {
  /** Nearly every request asks for its application. */
  private readonly lookUps = new Gather<string, FoundApplication | undefined>(
    (ids) => this.findAll(ids),
    LOOK_UPS_AT_ONCE,
  );

  constructor(@Inject(DATABASE) private readonly database: Database) {}

  find(id: string): Promise<FoundApplication | undefined> {
    return this.lookUps.add(id);
  }

  private async findAll(ids: readonly string[]): Promise<(FoundApplication | undefined)[]> {
    const rows = await this.database.kysely
      .selectFrom('application')
      .leftJoin('provider_setting', (join) =>
        join.onRef('application_id', '=', 'application.id').on('provider', '=', 'upstream'),
      )
      .select(['application.id', 'application.enabled', 'provider_setting.visible as upstream'])
      .where('application.id', 'in', [...new Set(ids)])
      .execute();
    const byId = new Map(rows.map((row) => [row.id, row]));
    return ids.map((id) => byId.get(id));
  }

  /** False when the id is taken. */
  async add(application: Application): Promise<boolean> {
    const added = await this.database.kysely
      .insertInto('application')
      .values(application)
      .onConflict((conflict) => conflict.doNothing())
      .returning('id')
      .executeTakeFirst();
    return added !== undefined;
  }
}
