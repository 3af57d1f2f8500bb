import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import type pg from 'pg';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openDatabase } from '../../../src/database/database.js';
import { runSteps } from '../../../src/database/migrate.js';
import { MIGRATIONS } from '../../../src/database/migrations/migrations.js';
import { newFolder } from './places.js';

let dataDir: string;
beforeEach(() => {
  dataDir = newFolder();
});
afterEach(() => rmSync(dataDir, { recursive: true }));

const TEXT = `back\\slash, 'quote', tab\\t, line\\n, \\N and “ü”`;

/** An embedded database as version 0.1 made it, with the steps up to `last`. */
async function makeOlder(last: string): Promise<PGlite> {
  const older = await PGlite.create(join(dataDir, 'database'));
  const query = async (text: string, values?: unknown[]) => {
    const result = values?.length ? await older.query(text, values) : (await older.exec(text)).at(-1);
    return { rows: result?.rows ?? [], rowCount: result?.affectedRows ?? 0, command: '' };
  };
  const pool = { connect: () => Promise.resolve({ query, release: () => undefined }), query } as unknown as pg.Pool;
  const steps = Object.fromEntries(Object.entries(MIGRATIONS).filter(([name]) => name <= last));
  await runSteps(pool, 'public', 'the older database', steps);
  return older;
}

it('carries the rows of an older embedded database to PostgreSQL', { timeout: 120_000 }, async () => {
  const older = await makeOlder('0016-parked');
  await older.query(`insert into application (id) values ('com.acme.bank')`);
  await older.query(
    `insert into provider_setting (application_id, provider, version, visible, secret, updated_at)
     values ('com.acme.bank', 'fcm', 1, jsonb_build_object('text', $1::text), '\\x00ff5c', '2026-11-29 01:02:03.456789+00')`,
    [TEXT],
  );
  await older.query(
    `insert into device (application_id, device_id, platform, provider, token, token_hash, user_id, registered_at, updated_at)
     select 'com.acme.bank', 'd' || n, 'G', 'fcm', repeat('t', 2000) || n, decode(md5(n::text), 'hex'), $1::text, now(), now()
     from generate_series(1, 12000) as n`,
    [TEXT],
  );
  await older.close();

  const database = await openDatabase({ dataDir });
  const { rows } = await database.pool.query<{ id: string }>('select id from application');
  expect(rows).toEqual([{ id: 'com.acme.bank' }]);
  const settings = await database.pool.query(
    `select visible ->> 'text' as text, encode(secret, 'hex') as secret, updated_at::text as at from provider_setting`,
  );
  expect(settings.rows).toEqual([{ text: TEXT, secret: '00ff5c', at: '2026-11-29 01:02:03.456789+00' }]);
  const devices = await database.pool.query(
    `select count(*)::int, count(distinct device_id)::int as ids, min(user_id) as text, max(length(token)) as longest,
       max(seq)::int as last from device`,
  );
  expect(devices.rows).toEqual([{ count: 12_000, ids: 12_000, text: TEXT, longest: 2_005, last: 12_000 }]);
  // The sequence goes on, and the steps after the older version are there.
  const add = `insert into device (application_id, device_id, platform, provider, token, token_hash, registered_at, updated_at)
    values ('com.acme.bank', 'new', 'G', 'fcm', 't', 't', now(), now()) returning seq`;
  expect((await database.pool.query(add)).rows).toEqual([{ seq: 12_001 }]);
  const { rows: steps } = await database.pool.query('select name from kysely_migration');
  expect(steps).toHaveLength(Object.keys(MIGRATIONS).length);
  await database.close();

  // Once only: the older files are kept aside.
  expect(existsSync(join(dataDir, 'database'))).toBe(false);
  expect(existsSync(join(dataDir, 'database.pglite', 'PG_VERSION'))).toBe(true);
  const again = await openDatabase({ dataDir });
  expect((await again.pool.query('select count(*)::int from device')).rows).toEqual([{ count: 12_001 }]);
  await again.close();
});
