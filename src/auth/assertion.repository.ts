import { Inject, Injectable } from '@nestjs/common';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';

/** Assertions that were used, for all processes. */
@Injectable()
export class AssertionRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** False if the client has used this `jti`. Also deletes those that had ended by `over`. */
  async use(clientId: string, jti: string, endsAt: Date, over: Date): Promise<boolean> {
    await this.database.kysely.deleteFrom('used_assertion').where('ends_at', '<=', over).execute();
    const { numInsertedOrUpdatedRows } = await this.database.kysely
      .insertInto('used_assertion')
      .values({ client_id: clientId, jti, ends_at: endsAt })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirstOrThrow();
    return Number(numInsertedOrUpdatedRows) === 1;
  }
}
