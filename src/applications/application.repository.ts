import { Inject, Injectable } from '@nestjs/common';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';

export interface Application {
  id: string;
  enabled: boolean;
}

@Injectable()
export class ApplicationRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  find(id: string): Promise<Application | undefined> {
    return this.database.kysely
      .selectFrom('application')
      .select(['id', 'enabled'])
      .where('id', '=', id)
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
