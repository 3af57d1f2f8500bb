import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../../src/database/database.js';
import { EmbeddedKeeper } from '../../../src/database/embedded-keeper.js';
import { openPlace } from './places.js';

const MB = 2 ** 20;
const ROWS = 2_000;

describe('the embedded database under steady load', () => {
  let database: Database;
  let remove: () => Promise<void>;
  beforeAll(async () => {
    ({ database, remove } = await openPlace('embedded'));
  }, 60_000);
  afterAll(() => remove());

  const read = async (expression: string): Promise<number> => {
    const { rows } = await sql<{ value: number }>`select (${sql.raw(expression)})::float8 as value`.execute(
      database.kysely,
    );
    return rows[0]!.value;
  };

  it('limits its log and a table that is rewritten again and again', async () => {
    const { pool } = database;
    await pool.query('create table hot (id int primary key, value text)');
    await pool.query(`insert into hot select n, repeat('x', 1000) from generate_series(1, ${ROWS}) as n`);
    const keeper = new EmbeddedKeeper(database);
    const start = await read(`pg_current_wal_insert_lsn() - '0/0'::pg_lsn`);
    let written = 0;
    // Each round writes about 15 MB, more than comes between two looks.
    while (written < 320 * MB) {
      for (let round = 0; round < 5; round++)
        await pool.query(`update hot set value = repeat(chr(97 + (id + ${round}) % 26), 1000)`);
      await keeper.look();
      written = (await read(`pg_current_wal_insert_lsn() - '0/0'::pg_lsn`)) - start;
    }
    // min_wal_size (80 MB) is kept for new files.
    expect(await read('select sum(size) from pg_ls_waldir()')).toBeLessThan(180 * MB);
    expect(await read(`pg_table_size('hot')`)).toBeLessThan(40 * MB);
    expect(await read('select pg_current_wal_insert_lsn() - redo_lsn from pg_control_checkpoint()')).toBeLessThan(
      90 * MB,
    );
  }, 60_000);

  it('limits the catalog while temporary tables come and go, as the queue makes them', async () => {
    const { pool } = database;
    const keeper = new EmbeddedKeeper(database);
    for (let round = 0; round < 20; round++) {
      for (let table = 0; table < 25; table++)
        await pool.query('create temp table passing (id text, value jsonb, at timestamptz); drop table passing');
      await keeper.look();
    }
    const before = await read(`pg_table_size('pg_attribute')`);
    for (let round = 0; round < 20; round++) {
      for (let table = 0; table < 25; table++)
        await pool.query('create temp table passing (id text, value jsonb, at timestamptz); drop table passing');
      await keeper.look();
    }
    expect(await read(`pg_table_size('pg_attribute')`)).toBeLessThan(before * 1.2);
  }, 60_000);

  it("clears the session's memory of temporary tables with each checkpoint", async () => {
    const { pool } = database;
    const keeper = new EmbeddedKeeper(database);
    const remembered = () =>
      read(`select used_bytes from pg_backend_memory_contexts where name = 'CacheMemoryContext'`);
    const pass = async (times: number) => {
      for (let time = 0; time < times; time++)
        await pool.query(`create temp table passing (id text, value jsonb, at timestamptz);
          select from passing join passing as other using (id) where passing.at > now();
          drop table passing`);
    };
    await pass(10);
    const before = await remembered();
    await pass(1_000);
    const grown = (await remembered()) - before;
    // 80 MB, enough log for a checkpoint.
    await pool.query('create table much (value text); alter table much alter value set storage external');
    for (let round = 0; round < 8; round++)
      await pool.query(`insert into much select repeat(n::text, 1000) from generate_series(10001, 12000) as n`);
    await keeper.look();
    expect((await remembered()) - before).toBeLessThan(grown / 3);
  }, 60_000);
});
