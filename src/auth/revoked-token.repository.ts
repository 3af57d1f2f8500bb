import { Inject, Injectable } from '@nestjs/common';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';
import { inTransaction } from '../database/transaction.js';
import { countChange } from './change.repository.js';

export interface RevokedToken {
  jti: string;
  /** Increases with every revocation. */
  change: number;
  expiresAt: Date;
}

@Injectable()
export class RevokedTokenRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** Also deletes the entries that had expired by `over`. */
  async add(jti: string, expiresAt: Date, over: Date): Promise<void> {
    await inTransaction(this.database, async (transaction) => {
      const change = await countChange(transaction, 'revoked_token');
      await transaction.deleteFrom('revoked_token').where('expires_at', '<=', over).execute();
      await transaction
        .insertInto('revoked_token')
        .values({ jti, change, expires_at: expiresAt })
        .onConflict((conflict) => conflict.doNothing())
        .execute();
    });
  }

  async listAfter(change: number): Promise<RevokedToken[]> {
    const rows = await this.database.kysely
      .selectFrom('revoked_token')
      .selectAll()
      .where('change', '>', change)
      .execute();
    return rows.map((row) => ({ jti: row.jti, change: row.change, expiresAt: row.expires_at }));
  }
}
