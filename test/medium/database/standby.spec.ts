import { Logger } from '@nestjs/common';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { openDatabase } from '../../../src/database/database.js';
import type { Database } from '../../../src/database/database.js';
import { CALM_MS } from '../../../src/common/outage.js';
import { MOST_BEHIND_MS, toPosition } from '../../../src/database/standby.js';
import { createDatabase, startPostgres } from '../../harness/servers.js';
import type { PostgresServer } from '../../harness/servers.js';
import { startStandby } from '../../harness/standby.js';
import { startSilentProxy } from '../../harness/silent-proxy.js';
import { PLACES } from './places.js';

describe.skipIf(!PLACES.includes('PostgreSQL'))('DATABASE_READ_URL', { timeout: 90_000 }, () => {
  let primary: PostgresServer;
  let standby: PostgresServer;
  let databaseUrl: string;
  let readUrl: string;
  const warnings: string[] = [];
  const opened: Database[] = [];
  beforeAll(async () => {
    primary = (await startPostgres())!;
    databaseUrl = await createDatabase(primary.url);
    standby = (await startStandby(primary.url))!;
    readUrl = on(standby.url);
  }, 90_000);
  afterAll(async () => {
    await standby.stop();
    await primary.stop();
  });
  beforeEach(() => {
    warnings.length = 0;
    vi.spyOn(Logger.prototype, 'warn').mockImplementation((line: { msg: string }) => void warnings.push(line.msg));
    vi.spyOn(Logger.prototype, 'log').mockImplementation((text: string) => void warnings.push(text));
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    for (const database of opened.splice(0)) await database.close();
  });

  /** The URL of our database on another server. */
  const on = (serverUrl: string): string => {
    const url = new URL(serverUrl);
    url.pathname = new URL(databaseUrl).pathname;
    return url.href;
  };
  const open = async (databaseReadUrl = readUrl): Promise<Database> => {
    const database = await openDatabase({ databaseUrl, databaseReadUrl, dataDir: '' });
    opened.push(database);
    return database;
  };
  const add = async ({ kysely }: Database): Promise<string> => {
    const id = `app-${Math.random().toString(36).slice(2)}`;
    await kysely.insertInto('application').values({ id }).execute();
    return id;
  };
  const find = ({ reader }: Database, id: string) =>
    reader.selectFrom('application').select('id').where('id', '=', id).executeTakeFirst();
  /** Waits until the standby has reached a state of now. */
  const asOfNow = async (database: Database): Promise<number> => {
    const { rows } = await database.pool.query<{ at: Date }>('select clock_timestamp() as at');
    return vi.waitFor(
      async () => {
        const asOf = await database.standby!.asOf();
        expect(asOf).toBeGreaterThan(rows[0]!.at.getTime());
        return asOf!;
      },
      { timeout: 30_000, interval: 100 },
    );
  };
  const replay = async (what: 'pause' | 'resume'): Promise<void> => {
    const client = new pg.Client(readUrl);
    await client.connect();
    await client.query(`select pg_wal_replay_${what}()`);
    await client.end();
  };

  it('a state that is said to be of a time has everything that was committed before', async () => {
    const database = await open();
    const id = await add(database);
    const asOf = await asOfNow(database);
    expect(await database.standby!.within(asOf, () => find(database, id))).toEqual({ id });
    const { rows } = await database.pool.query<{ address: string | null }>(
      `select application_name as address from pg_stat_activity where query like '%from "application"%' and pid <> pg_backend_pid()`,
    );
    expect(rows).toEqual([]);
    expect(warnings).toEqual([]);
  });

  it('a statement outside of a request that may lag runs on the primary', async () => {
    const database = await open();
    const asOf = await asOfNow(database);
    await replay('pause');
    try {
      const id = await add(database);
      expect(await find(database, id)).toEqual({ id });
      expect(await database.standby!.within(asOf, () => find(database, id))).toBeUndefined();
      // A later state than the standby has: the primary answers.
      expect(await database.standby!.within(asOf + 60_000, () => find(database, id))).toEqual({ id });
    } finally {
      await replay('resume');
    }
  });

  it('a standby that is far behind is not used, with one line, and is used again later', async () => {
    const database = await open();
    await asOfNow(database);
    await replay('pause');
    try {
      await vi.waitFor(
        async () => {
          // So that the log goes on.
          await add(database);
          expect(await database.standby!.asOf()).toBeNull();
        },
        { timeout: MOST_BEHIND_MS + 15_000, interval: 300 },
      );
      expect(warnings).toEqual([expect.stringMatching(/read from the primary.*more than 10 s behind$/)]);
    } finally {
      await replay('resume');
    }
    await asOfNow(database);
    await vi.waitFor(() => expect(warnings[1]).toMatch(/read from the standby again/), { timeout: CALM_MS + 5_000 });
    expect(warnings).toHaveLength(2);
  });

  it('a statement whose connection to the standby is lost runs on the primary', async () => {
    const database = await open();
    const id = await add(database);
    const asOf = await asOfNow(database);
    const admin = new pg.Client(readUrl);
    await admin.connect();
    const found = database.standby!.within(asOf, () =>
      database.reader
        .selectFrom('application')
        .select((builder) => ['id', builder.fn('pg_sleep', [builder.val(2)]).as('slept')])
        .where('id', '=', id)
        .executeTakeFirst(),
    );
    await vi.waitFor(
      async () => {
        const { rows } = await admin.query(
          `select pg_terminate_backend(pid) from pg_stat_activity where query like '%pg_sleep%' and pid <> pg_backend_pid()`,
        );
        expect(rows).toHaveLength(1);
      },
      { timeout: 10_000, interval: 20 },
    );
    await admin.end();
    expect(await found).toMatchObject({ id });
    expect(warnings).toHaveLength(1);
  });

  it('a silent standby is given up after two seconds, and the primary answers', async () => {
    const proxy = await startSilentProxy(readUrl);
    const database = await open(proxy.through(readUrl));
    const id = await add(database);
    const asOf = await asOfNow(database);
    proxy.silence();
    expect(await database.standby!.within(asOf, () => find(database, id))).toEqual({ id });
    expect(await database.standby!.asOf()).toBeNull();
    expect(warnings).toEqual([expect.stringMatching(/read from the primary.*did not answer/)]);
    proxy.heal();
    await database.close();
    opened.pop();
    await proxy.stop();
  });

  it.each([
    ['a server that does not run', () => on('postgres://carillon@127.0.0.1:1/x'), /ECONNREFUSED/],
    ['the primary', () => databaseUrl, /is not a standby of DATABASE_URL/],
    ['another database', () => standby.url, /is not a standby of DATABASE_URL/],
  ])('the start does not depend on it, and %s is told once', async (_what, url, words) => {
    const database = await open(url());
    expect([await database.standby!.asOf(), await database.standby!.asOf()]).toEqual([null, null]);
    expect(warnings).toEqual([expect.stringMatching(words)]);
  });
});

it('a position behind the head of a page of the log is the end of the page before', () => {
  expect(toPosition('16/B374D848')).toBe(0x16_b374_d848n);
  expect(toPosition('1/2000')).toBe(toPosition('1/2018'));
  expect(toPosition('1/2028')).toBe(0x1_0000_2000n);
  expect(toPosition('1/2030')).toBe(0x1_0000_2030n);
});
