import { Inject, Injectable } from '@nestjs/common';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';

export interface Client {
  id: string;
  secretHash: string;
  allowedScope: string;
  enabled: boolean;
}

@Injectable()
export class ClientRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  async find(id: string): Promise<Client | undefined> {
    const row = await this.database.kysely.selectFrom('client').selectAll().where('id', '=', id).executeTakeFirst();
    return row && { id: row.id, secretHash: row.secret_hash, allowedScope: row.allowed_scope, enabled: row.enabled };
  }

  async isEmpty(): Promise<boolean> {
    return !(await this.database.kysely.selectFrom('client').select('id').limit(1).executeTakeFirst());
  }

  /** Adds the client unless its id is taken. */
  async add(client: { id: string; displayName: string; secretHash: string; allowedScope: string }): Promise<void> {
    await this.database.kysely
      .insertInto('client')
      .values({
        id: client.id,
        display_name: client.displayName,
        secret_hash: client.secretHash,
        allowed_scope: client.allowedScope,
      })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
}
