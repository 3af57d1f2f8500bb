import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Database } from '../../../src/database/database.js';
import { executePrepared } from '../../../src/database/prepared.js';
import { inTransaction } from '../../../src/database/transaction.js';
import { PLACES, openPlace } from './places.js';

/** Behaviour that our repositories and BullMQ rely on, equal on the embedded database and with pg on PostgreSQL. */
describe.each(PLACES)('the %s database', (place) => {
  let database: Database;
  let remove: () => Promise<void>;
  beforeAll(async () => {
    ({ database, remove } = await openPlace(place));
    await database.pool.query('create table note (id integer primary key, text text not null)');
  });
  afterAll(() => remove());
  beforeEach(async () => {
    await database.pool.query('delete from note');
  });

  const ids = async () => {
    const { rows } = await database.pool.query<{ id: number }>('select id from note order by id');
    return rows.map((row) => row.id);
  };
  const add = (id: number) => `insert into note values (${id}, 'x')`;

  describe('transactions', () => {
    it('a rollback undoes its own statements only', async () => {
      let outside: Promise<unknown> | undefined;
      const inside = database.kysely.transaction().execute(async (transaction) => {
        await sql.raw(add(1)).execute(transaction);
        // Begun while the transaction is open, and outside of it.
        outside = sql.raw(add(2)).execute(database.kysely);
        await sql.raw(add(3)).execute(transaction);
        throw new Error('changed my mind');
      });
      await expect(inside).rejects.toThrow('changed my mind');
      await outside;
      expect(await ids()).toEqual([2]);
    });

    it('a connection that the server ends costs its transaction, not the process', async () => {
      const cut = database.kysely.transaction().execute(async (transaction) => {
        const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(transaction);
        await database.pool.query('select pg_terminate_backend($1)', [rows[0]?.pid]);
        await sql.raw(add(1)).execute(transaction);
      });
      await expect(cut).rejects.toThrow(/terminat|closed|reset|connection error/i);
      expect(await ids()).toEqual([]);
    });

    it('shows no uncommitted rows', async () => {
      let seen: Promise<number[]> | undefined;
      await database.kysely
        .transaction()
        .execute(async (transaction) => {
          await sql.raw(add(1)).execute(transaction);
          seen = ids();
          await sql.raw('select 1').execute(transaction);
          throw new Error('changed my mind');
        })
        .catch(() => undefined);
      expect(await seen).toEqual([]);
    });

    it('a failed statement ends its transaction only', async () => {
      const failing = database.kysely.transaction().execute(async (transaction) => {
        await sql.raw(add(1)).execute(transaction);
        await sql.raw(add(1)).execute(transaction);
      });
      const other = database.pool.query(add(2));
      // The code that DeviceRepository reads.
      await expect(failing).rejects.toMatchObject({ code: '23505' });
      await other;
      expect(await ids()).toEqual([2]);
    });

    it('simultaneous reads and writes lose no update', async () => {
      await database.pool.query(`insert into note values (1, '0')`);
      const increment = () =>
        database.kysely.transaction().execute(async (transaction) => {
          const { rows } = await sql<{ text: string }>`select text from note where id = 1 for update`.execute(
            transaction,
          );
          await sql`update note set text = ${String(Number(rows[0]?.text) + 1)} where id = 1`.execute(transaction);
        });
      await Promise.all(Array.from({ length: 20 }, increment));
      const { rows } = await database.pool.query('select text from note');
      expect(rows).toEqual([{ text: '20' }]);
    });

    it('a rollback to a savepoint does not end the transaction', async () => {
      const client = await database.pool.connect();
      await client.query('begin');
      await client.query(add(1));
      await client.query('savepoint one');
      await client.query(add(2));
      await client.query('rollback to savepoint one');
      const outside = database.pool.query(add(3));
      await client.query(add(4));
      await client.query('rollback');
      client.release();
      await outside;
      expect(await ids()).toEqual([3]);
    });

    it('a client that is released as broken during a transaction leaves nothing behind', async () => {
      const client = await database.pool.connect();
      await client.query('begin');
      await client.query(add(1));
      client.release(true);
      await database.pool.query(add(2));
      expect(await ids()).toEqual([2]);
    });

    it('several statements in one text run as one', async () => {
      const client = await database.pool.connect();
      await expect(client.query(`${add(1)}; ${add(2)}; ${add(1)}`)).rejects.toMatchObject({ code: '23505' });
      await client.query(`${add(5)}; ${add(6)}`);
      client.release();
      expect(await ids()).toEqual([5, 6]);
    });
  });

  describe('a statement with a conflict', () => {
    /** Refuses the first calls with this code; a sequence is not rolled back with the statement. */
    const refusing = async (code: string, times: number) => {
      const name = `met_${code.toLowerCase()}_${times}`;
      await database.pool.query(`create sequence ${name}`);
      await database.pool.query(`create function ${name}() returns bigint language plpgsql as $$
        declare call bigint := nextval('${name}');
        begin
          if call <= ${times} then raise exception 'met another' using errcode = '${code}'; end if;
          return call;
        end $$`);
      return executePrepared<{ call: number }>(database.kysely, name, sql`select ${sql.raw(name)}() as call`);
    };

    it.each(['40001', '40P01'])('is repeated after %s', async (code) => {
      expect(await refusing(code, 3)).toEqual([{ call: 4 }]);
    });

    it('fails after the fourth attempt, and at once for any other reason', async () => {
      await expect(refusing('40P01', 9)).rejects.toMatchObject({ code: '40P01' });
      await expect(refusing('23505', 1)).rejects.toMatchObject({ code: '23505' });
    });
  });

  it.runIf(place === 'PostgreSQL')('plans a prepared statement again when its runs have doubled', async () => {
    const name = `doubled-${performance.now()}`;
    const own = sql<{ at: string }>`
      select prepare_time::text as at from pg_prepared_statements where name = ${sql.lit(name)}`;
    const times: string[] = [];
    // In turn, they have the same connection, which reports its own statement: each time the only one of the name.
    for (let run = 1; run <= 9; run++) {
      const rows = await executePrepared(database.kysely, name, own);
      expect(rows).toHaveLength(1);
      times.push(rows[0]!.at);
    }
    const runsOf = [...new Set(times)].map((time) => times.filter((at) => at === time).length);
    expect(runsOf).toEqual([1, 2, 4, 2]);
  });

  it('prepares a statement in a transaction, and does not repeat it there', async () => {
    const own = sql<{ name: string }>`select name from pg_prepared_statements where name = 'inside'`;
    const found = await inTransaction(database, async (tx) => {
      await executePrepared(tx, 'inside', own);
      return executePrepared(tx, 'inside', own);
    });
    expect(found).toEqual([{ name: 'inside' }]);
    let runs = 0;
    const refused = inTransaction(database, async (tx) => {
      runs++;
      await executePrepared(
        tx,
        'refused',
        sql`do $$ begin raise exception 'met another' using errcode = '40P01'; end $$`,
      );
    });
    await expect(refused).rejects.toMatchObject({ code: '40P01' });
    expect(runs).toBe(1);
  });

  describe('LISTEN and NOTIFY', () => {
    const listenOn = async (statement: string) => {
      const client = await database.pool.connect();
      const heard: (string | undefined)[] = [];
      client.on('notification', ({ payload }) => heard.push(payload));
      await client.query(statement);
      return { client, heard };
    };
    const notify = (channel: string, payload: string) =>
      database.pool.query('select pg_notify($1, $2)', [channel, payload]);

    it.each([
      ['plain', 'LISTEN news'],
      ['quoted', 'listen "news"'],
      // BullMQ writes the purpose of each statement in a comment before it.
      ['behind a block comment', '/* bullmq: wait for a job */ LISTEN "news"'],
      ['behind line comments', '-- bullmq\n-- wait for a job\n  LISTEN "news"'],
    ])('%s', async (_what, statement) => {
      const { client, heard } = await listenOn(statement);
      await notify('news', 'hello');
      await vi.waitFor(() => expect(heard).toEqual(['hello']), { timeout: 20_000 });
      client.release(true);
    });

    it('a listener does not block, and hears only its own channels', async () => {
      const one = await listenOn('listen one');
      const two = await listenOn('listen two');
      await database.kysely.transaction().execute((transaction) => sql.raw(add(1)).execute(transaction));
      await notify('one', 'for one');
      await notify('two', 'for two');
      await vi.waitFor(() => expect([one.heard, two.heard]).toEqual([['for one'], ['for two']]), { timeout: 20_000 });
      one.client.release(true);
      two.client.release(true);
    });

    it('UNLISTEN ends the notifications', async () => {
      const { client, heard } = await listenOn('listen news');
      await client.query('listen other');
      await client.query('/* bullmq */ unlisten news');
      await notify('news', 'unheard');
      await notify('other', 'last');
      await vi.waitFor(() => expect(heard).toEqual(['last']), { timeout: 20_000 });
      client.release(true);
    });

    it('a notification is sent with its transaction, or not at all', async () => {
      const { client, heard } = await listenOn('listen news');
      const speak = (words: string, end: 'commit' | 'rollback') =>
        database.kysely
          .transaction()
          .execute(async (transaction) => {
            await sql`select pg_notify('news', ${words})`.execute(transaction);
            if (end === 'rollback') throw new Error('changed my mind');
          })
          .catch(() => undefined);
      await speak('taken back', 'rollback');
      await speak('meant', 'commit');
      await vi.waitFor(() => expect(heard).toEqual(['meant']), { timeout: 20_000 });
      client.release(true);
    });
  });

  describe('types', () => {
    const MOMENT = new Date('2026-11-23T10:00:00.123Z');
    it.each<[string, string, unknown]>([
      ['bigint', '9007199254740991::bigint', 9_007_199_254_740_991],
      ['a negative bigint', '(-5)::bigint', -5],
      ['null as bigint', 'null::bigint', null],
      ['integer', '7::integer', 7],
      ['a count', '(select count(*) from note)', 0],
      ['numeric stays text', '12.50::numeric', '12.50'],
      ['double precision', '1.5::double precision', 1.5],
      ['boolean', 'true', true],
      ['text', `'o''hara'::text`, "o'hara"],
      ['bytea', `'\\x00ff10'::bytea`, Buffer.from([0, 255, 16])],
      ['no bytes', `''::bytea`, Buffer.alloc(0)],
      ['bigint[]', 'array[1, 9007199254740991]::bigint[]', [1, 9_007_199_254_740_991]],
      ['an empty bigint[]', `'{}'::bigint[]`, []],
      ['integer[]', 'array[1, 2]::integer[]', [1, 2]],
      ['text[]', `array['a', 'b,"c']::text[]`, ['a', 'b,"c']],
      ['jsonb', `'{"a":[1,null,"ü"]}'::jsonb`, { a: [1, null, 'ü'] }],
      ['timestamptz', `'2026-11-23T10:00:00.123Z'::timestamptz`, MOMENT],
      ['no timestamptz', 'null::timestamptz', null],
    ])('reads %s as pg does with our parsers', async (_what, expression, expected) => {
      const { rows } = await database.pool.query<{ value: unknown }>(`select ${expression} as value`);
      expect(rows[0]?.value).toStrictEqual(expected);
    });

    it.each<[string, unknown]>([
      ['bigint', 9_007_199_254_740_991],
      ['bytea', Buffer.from([0, 1, 254, 255])],
      ['text[]', ["o'hara", 'b,"c\\', '{}', '']],
      ['timestamptz', MOMENT],
      ['boolean', false],
      ['text', '😀 \\ \' "'],
      ['integer', null],
    ])('returns a parameter of %s unchanged', async (type, value) => {
      const { rows } = await database.pool.query<{ value: unknown }>(`select $1::${type} as value`, [value]);
      expect(rows[0]?.value).toStrictEqual(value);
    });

    it('accepts arrays of numbers and JSON as text', async () => {
      const { rows } = await database.pool.query('select $1::bigint[] as seqs, $2::jsonb as details', [
        '{3,4}',
        '{"0":{"attempts":1}}',
      ]);
      expect(rows).toEqual([{ seqs: [3, 4], details: { 0: { attempts: 1 } } }]);
    });

    it('results tell the number of rows', async () => {
      const count = async (statement: string) => (await database.pool.query(statement)).rowCount;
      expect(await count(`insert into note values (1, 'a'), (2, 'b'), (3, 'c')`)).toBe(3);
      expect(await count(`update note set text = 'z' where id > 1`)).toBe(2);
      expect(await count(`update note set text = 'z' where id > 1 returning id`)).toBe(2);
      expect(await count(`update note set text = 'z' where id > 9`)).toBe(0);
      expect(await count('select * from note')).toBe(3);
      expect(await count('delete from note where id = 1')).toBe(1);
    });
  });
});
