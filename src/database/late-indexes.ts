import type pg from 'pg';
import type { Database } from './database.js';
import { DEVICE_SEARCH_INDEXES } from './migrations/0044-device-search.js';
import { APPROVAL_INDEXES } from './migrations/0047-approval.js';
import { AUDIT_INDEXES } from './migrations/0084-audit-search.js';

/** Indexes that their migration leaves out on a large table. */
const LATE_INDEXES: Readonly<Record<string, string>> = {
  ...DEVICE_SEARCH_INDEXES,
  ...APPROVAL_INDEXES,
  ...AUDIT_INDEXES,
};

/** The number of the advisory lock: one process builds. */
const LOCK = 4_400_044;

/**
 * Builds the indexes that are missing, each without a lock on its table, and returns their names. A build that was cut
 * short leaves an invalid index, which is dropped first. Returns at once if another process builds. Rejects if the role
 * does not own the tables.
 */
export async function buildLateIndexes(database: Pick<Database, 'migrate' | 'pool' | 'schema'>): Promise<string[]> {
  if ((await readMissing(database.pool, database.schema)).length === 0) return [];
  return database.migrate(async (pool) => {
    const client = await pool.connect();
    try {
      // Tried, never waited for: a waiting statement has a snapshot, and the build would wait for it in turn.
      const { rows } = await client.query<{ mine: boolean }>(`select pg_try_advisory_lock(${LOCK}) as mine`);
      if (!rows[0]?.mine) return [];
      const missing = await readMissing(client, database.schema);
      for (const { name, invalid } of missing) {
        if (invalid) await client.query(`drop index concurrently ${name}`);
        await client.query(`create index concurrently ${name} on ${LATE_INDEXES[name]}`);
      }
      return missing.map(({ name }) => name);
    } finally {
      // Ends the session, and with it the lock.
      client.release(true);
    }
  });
}

async function readMissing(
  db: Pick<pg.ClientBase, 'query'>,
  schema: string,
): Promise<{ name: string; invalid: boolean }[]> {
  const { rows } = await db.query<{ name: string; invalid: boolean }>(
    `select name, c.oid is not null as invalid from unnest($1::text[]) as name
     left join pg_class c on c.relname = name and c.relnamespace = $2::regnamespace
     left join pg_index i on i.indexrelid = c.oid
     where i.indisvalid is not true`,
    [Object.keys(LATE_INDEXES), schema],
  );
  return rows;
}
