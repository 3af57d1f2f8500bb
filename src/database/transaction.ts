import type { Transaction } from 'kysely';
import type { Database } from './database.js';
import type { Tables } from './tables.js';

/** A transaction. Services only pass it on to repositories. */
export type Tx = Transaction<Tables>;

/** The acts after the commit of a transaction. */
const afterwards = new WeakMap<Tx, (() => void)[]>();

/** Runs `work` in one transaction, which commits when `work` returns and rolls back when `work` throws. */
export async function inTransaction<T>({ kysely }: Pick<Database, 'kysely'>, work: (tx: Tx) => Promise<T>): Promise<T> {
  const acts: (() => void)[] = [];
  const result = await kysely.transaction().execute((tx) => {
    afterwards.set(tx, acts);
    return work(tx);
  });
  for (const act of acts) act();
  return result;
}

/** Runs `act`, which must not fail, when the transaction has committed. */
export function afterCommit(tx: Tx, act: () => void): void {
  afterwards.get(tx)?.push(act);
}
