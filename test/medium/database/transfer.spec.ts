import pg from 'pg';
import { afterEach, beforeEach, expect, inject, it } from 'vitest';
import { openPostgres } from '../../../src/database/postgres.js';
import type { Opened } from '../../../src/database/postgres.js';
import { MIGRATIONS } from '../../../src/database/migrations/migrations.js';
import { runSteps } from '../../../src/database/migrate.js';
import { fill, moveRows } from '../../../src/database/transfer.js';
import { createDatabase } from '../../harness/servers.js';

/** The copy of a whole installation to another database. */

let urls: string[];
let from: Opened;
let to: Opened;
beforeEach(async () => {
  urls = [await createDatabase(inject('postgresUrl')), await createDatabase(inject('postgresUrl'))];
  [from, to] = (await Promise.all(urls.map((url) => openPostgres(url)))) as [Opened, Opened];
  await from.migrate((pool) => runSteps(pool, from.schema, from.place));
  for (const statement of ROWS) await from.pool.query(statement);
});
afterEach(async () => {
  await Promise.all([from.close(), to.close()]);
});

/** Texts that COPY has to escape, a gap in a sequence, and rows that triggers have counted. */
const ROWS = [
  `insert into application (id) values ('a')`,
  `insert into tag (application_id, name, updated_at, description) values ('a', 'news', now(), E'tab\\t new\\nline \\\\ \\\\. null \\\\N \u2028')`,
  `insert into device (application_id, device_id, platform, provider, token, token_hash, registered_at, updated_at)
     select 'a', 'device-' || n, 'A', 'apns', 'token-' || n, decode(lpad(to_hex(n), 8, '0'), 'hex'), now(), now() from generate_series(1, 5000) n`,
  `delete from device where device_id = 'device-5000'`,
];

const readAll = async ({ pool }: Opened, query: string): Promise<unknown[]> => (await pool.query(query)).rows;

it('every row arrives, sequences go on, and triggers count nothing twice', async () => {
  expect(await moveRows(from, to)).toBeGreaterThan(5_000);
  for (const query of [
    'select * from device order by seq',
    'select * from tag',
    'select * from tally order by 1',
    'select application_id, name, counts from statistic_change order by id',
    'select name from kysely_migration order by name',
  ])
    expect(await readAll(to, query)).toEqual(await readAll(from, query));
  const insert = `insert into device (application_id, device_id, platform, provider, token, token_hash, registered_at, updated_at)
    values ('a', 'next', 'A', 'apns', 'next', 'next', now(), now()) returning seq`;
  expect(await readAll(to, insert)).toEqual([{ seq: 5001 }]);
  expect(await readAll(to, `select tgname from pg_trigger where tgenabled = 'D'`)).toEqual([]);
});

it('a copy that is interrupted leaves no row, and the next try goes on', async () => {
  const [blocker, killer] = urls.map((url) => new pg.Client({ connectionString: url })) as [pg.Client, pg.Client];
  await Promise.all([blocker.connect(), killer.connect()]);
  await blocker.query('begin; lock table webhook in access exclusive mode');
  const moving = moveRows(from, to).then(String, String);
  const end = `select pg_terminate_backend(pid) from pg_locks where relation = to_regclass('webhook')
    and mode = 'AccessExclusiveLock' and granted`;
  await expect.poll(async () => (await killer.query(end)).rowCount, { timeout: 20_000 }).toBe(1);
  await blocker.query('rollback');
  expect(await moving).toMatch(/terminat/i);
  expect(await readAll(to, 'select id from application')).toEqual([]);
  expect(await moveRows(from, to)).toBeGreaterThan(5_000);
  await Promise.all([blocker.end(), killer.end()]);
});

it('a session that ends between two statements tells why', async () => {
  const killer = new pg.Client({ connectionString: urls[1] });
  await killer.connect();
  const filled = fill(
    to,
    { steps: Object.keys(MIGRATIONS), tables: [{ name: 'tally', columns: 'name' }] },
    async (filling) => {
      const { rows } = await filling.client.query<{ pid: number }>('select pg_backend_pid() as pid');
      const ended = new Promise((resolve) => (filling.client as pg.Client).once('end', resolve));
      await killer.query('select pg_terminate_backend($1)', [rows[0]!.pid]);
      await ended;
      await filling.sequences({ device_seq_seq: '1' });
    },
  );
  await expect(filled).rejects.toThrow('terminating connection due to administrator command');
  await killer.end();
});

it('refuses a database that has an installation, and steps of a newer release', async () => {
  await moveRows(from, to);
  await expect(moveRows(from, to)).rejects.toThrow('already has an installation of Carillon: give an empty database');
  await from.pool.query(`insert into kysely_migration values ('9999-later', '2030-01-01')`);
  await expect(moveRows(from, to)).rejects.toThrow('is of a newer Carillon (9999-later)');
});

it('refuses rows that arrive changed', async () => {
  await to.migrate((pool) => runSteps(pool, to.schema, to.place, MIGRATIONS));
  await to.pool.query('alter table application alter column created_at type timestamptz(0)');
  await expect(moveRows(from, to)).rejects.toThrow('application: 1 of 1 rows were copied, and not as they were');
  expect(await readAll(to, 'select id from application')).toEqual([]);
});
