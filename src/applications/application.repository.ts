import { Inject, Injectable } from '@nestjs/common';
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

@Injectable()
export class ApplicationRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  find(id: string): Promise<FoundApplication | undefined> {
    return this.database.kysely
      .selectFrom('application')
      .leftJoin('provider_setting', (join) =>
        join.onRef('application_id', '=', 'application.id').on('provider', '=', 'upstream'),
      )
      .select(['application.id', 'application.enabled', 'provider_setting.visible as upstream'])
      .where('application.id', '=', id)
      .executeTakeFirst();
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
