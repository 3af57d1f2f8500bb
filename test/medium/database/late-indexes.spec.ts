import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../../src/database/database.js';
import { buildLateIndexes } from '../../../src/database/late-indexes.js';
import { DEVICE_SEARCH_INDEXES } from '../../../src/database/migrations/0044-device-search.js';
import { PLACES, openPlace } from './places.js';

describe.each(PLACES)('indexes that a migration left out, on %s', (place) => {
  let database: Database;
  let remove: () => Promise<void>;
  beforeAll(async () => ({ database, remove } = await openPlace(place)));
  afterAll(() => remove());

  const valid = async (): Promise<string[]> => {
    const { rows } = await sql<{ name: string }>`select relname as name from pg_index join pg_class on oid = indexrelid
      where indisvalid and relname like 'device_search_%' order by relname`.execute(database.kysely);
    return rows.map(({ name }) => name);
  };
  const all = Object.keys(DEVICE_SEARCH_INDEXES).toSorted();

  it('are created by the migration of an empty database', async () => {
    expect(await valid()).toEqual(all);
    expect(await buildLateIndexes(database)).toEqual([]);
  });

  it('are built once by two processes, also one whose build was cut short', async () => {
    await sql`drop index device_search_id, device_search_attribute`.execute(database.kysely);
    await sql`update pg_index set indisvalid = false where indexrelid = 'device_search_user'::regclass`.execute(
      database.kysely,
    );
    const built = await Promise.all([buildLateIndexes(database), buildLateIndexes(database)]);
    expect(built.flat().toSorted()).toEqual(['device_search_attribute', 'device_search_id', 'device_search_user']);
    expect(await valid()).toEqual(all);
  });
});
