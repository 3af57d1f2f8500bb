import type { Transaction } from 'kysely';
import type { Database } from './database.js';
import type { Tables } from './tables.js';

/** A transaction. Services only pass it on to repositories. */
export type Tx = Transaction<Tables>;

/** Runs `work` in one transaction, which commits when `work` returns and rolls back when `work` throws. */
export function inTransaction<T>({ kysely }: Pick<Database, 'kysely'>, work: (tx: Tx) => Promise<T>): Promise<T> {
  return kysely.transaction().execute(work);
}
