import { Inject, Injectable } from '@nestjs/common';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';
import type { AuthSubject } from '../database/auth-tables.js';
import type { Tx } from '../database/transaction.js';

export type Versions = ReadonlyMap<AuthSubject, number>;

@Injectable()
export class ChangeRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  async versions(): Promise<Versions> {
    const rows = await this.database.kysely.selectFrom('auth_change').selectAll().execute();
    return new Map(rows.map(({ subject, version }) => [subject, version]));
  }
}

/**
 * The first statement of every change: returns the next version and blocks other changes of the subject until the
 * commit.
 */
export async function countChange(transaction: Tx, subject: AuthSubject): Promise<number> {
  const { version } = await transaction
    .updateTable('auth_change')
    .set((row) => ({ version: row('version', '+', 1) }))
    .where('subject', '=', subject)
    .returning('version')
    .executeTakeFirstOrThrow();
  return version;
}
