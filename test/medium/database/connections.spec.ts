import { Logger } from '@nestjs/common';
import { sql } from 'kysely';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { StartError } from '../../../src/common/start-error.js';
import { openDatabase, probeWrites } from '../../../src/database/database.js';
import type { Database } from '../../../src/database/database.js';
import { newQueuePool } from '../../../src/database/postgres.js';
import { Queues } from '../../../src/queue/queue.js';
import { HAPROXY_AVAILABLE, startHaproxy } from '../../harness/haproxy.js';
import { PGBOUNCERS, startPgBouncer } from '../../harness/pgbouncer.js';
import { createDatabase, startPostgres } from '../../harness/servers.js';
import { startSilentProxy } from '../../harness/silent-proxy.js';
import { workExpansions } from '../queue/jobs-run.js';
import { REDIS_AVAILABLE, startRedis } from '../queue/redis-server.js';

/** Settings of the role, the database, the server, a pooler or the URL do not change our connections. */

const serverUrl = inject('postgresUrl');

describe.skipIf(!serverUrl)('connections to PostgreSQL', () => {
  let url: string;
  const opened: { close(): Promise<unknown> }[] = [];
  beforeEach(async () => {
    url = await createDatabase(serverUrl ?? '');
  });
  afterEach(async () => {
    for (const each of opened.splice(0).toReversed()) await each.close();
    await onServer(serverUrl ?? '', `drop database ${nameOf(url)} with (force)`);
  });

  const open = async (databaseUrl: string): Promise<Database> => {
    const database = await openDatabase({ databaseUrl, dataDir: '' });
    opened.push(database);
    return database;
  };
  const show = async (pool: pg.Pool, setting: string) => {
    const { rows } = await pool.query<{ value: string }>('select current_setting($1) as value', [setting]);
    return rows[0]?.value;
  };

  const OURS: [string, string, string][] = [
    ['default_transaction_isolation', 'serializable', 'read committed'],
    ['datestyle', 'SQL, DMY', 'ISO, MDY'],
    ['datestyle', 'German', 'ISO, MDY'],
    ['datestyle', 'Postgres, MDY', 'ISO, MDY'],
    ['timezone', 'Asia/Kolkata', 'UTC'],
    ['intervalstyle', 'sql_standard', 'postgres'],
    ['bytea_output', 'escape', 'hex'],
    ['client_encoding', 'LATIN1', 'UTF8'],
    // The first statement of a connection runs under the default; 1 ms is too short for it on a busy machine.
    ['statement_timeout', '50', '15s'],
    ['lock_timeout', '1', '10s'],
    ['idle_in_transaction_session_timeout', '1', '1min'],
    ['idle_session_timeout', '1000', '0'],
  ];

  it('a statement after the end of its session is rejected with the reason of the server', async () => {
    const { pool } = await open(url);
    const client = await pool.connect();
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    const told = new Promise((resolve) => client.once('error', resolve));
    await onServer(url, `select pg_terminate_backend(${rows[0]!.pid})`);
    await told;
    await expect(client.query('select 1')).rejects.toThrow('terminating connection due to administrator command');
    client.release(true);
  });

  it('works on a database with other defaults as on any other', async () => {
    for (const [name, theirs] of OURS.filter(([name]) => !/timeout/.test(name)))
      await onServer(url, `alter database ${nameOf(url)} set ${name} = '${theirs}'`);
    const database = await open(url);
    const { rows } = await database.pool.query<{ at: Date; days: unknown; bytes: Buffer }>(
      `select '2026-11-28T10:00:00Z'::timestamptz as at, '\\x00ff'::bytea as bytes`,
    );
    expect(rows[0]).toMatchObject({ at: new Date('2026-11-28T10:00:00Z'), bytes: Buffer.from([0, 255]) });
  });

  it.each(OURS)('%s = %s of the database does not apply, ours is %s', async (name, theirs, ours) => {
    await onServer(url, `alter database ${nameOf(url)} set ${name} = '${theirs}'`);
    const queue = newQueuePool(url, 1);
    opened.push({ close: () => queue.end() });
    expect(await show(queue, name)).toBe(ours);
  });

  it("keeps the URL's options beside ours", async () => {
    const options = encodeURIComponent('-c statement_timeout=60000 -c search_path=elsewhere -c geqo=off');
    const queue = newQueuePool(`${url}?options=${options}`, 1);
    opened.push({ close: () => queue.end() });
    expect(await show(queue, 'search_path')).toBe('bullmq');
    expect(await show(queue, 'statement_timeout')).toBe('15s');
    expect(await show(queue, 'geqo')).toBe('off');
  });

  it('the queue in the database accepts and runs jobs with options in the URL', async () => {
    await expectJobs(`${url}?options=-c%20statement_timeout%3D60000`);
  });

  it('uses the schema of the URL for our tables as long as the process runs', async () => {
    await onServer(url, 'create schema push');
    const database = await open(`${url}?options=-c%20search_path%3Dpush`);
    const { rows } = await database.pool.query(
      `select table_schema from information_schema.tables where table_name = 'device'`,
    );
    expect(rows).toEqual([{ table_schema: 'push' }]);
  });

  /** Runs a job of a queue in the database. */
  async function expectJobs(databaseUrl: string): Promise<void> {
    const database = await open(databaseUrl);
    const errors: Error[] = [];
    const queues = await Queues.open({}, database, (error) => errors.push(error));
    opened.push(queues);
    const ran: number[] = [];
    queues.work('expand', 1, ({ id }) => {
      ran.push(id);
      return Promise.resolve();
    });
    await queues.add('expand', [{ id: 'one', data: { id: 1 } }]);
    await vi.waitFor(() => expect(ran).toEqual([1]), { timeout: 20_000 });
    await queues.ping();
    expect(errors).toEqual([]);
  }

  it.each(['LATIN1', 'SQL_ASCII'])('refuses a database in %s', async (encoding) => {
    const name = `test_${encoding.toLowerCase()}_${process.pid}`;
    await onServer(serverUrl ?? '', `create database ${name} encoding '${encoding}' locale 'C' template template0`);
    try {
      const other = new URL(url);
      other.pathname = `/${name}`;
      const opening = openDatabase({ databaseUrl: other.href, dataDir: '' });
      await expect(opening).rejects.toThrow(StartError);
      await expect(opening).rejects.toThrow(
        new RegExp(`has the encoding ${encoding}, .*create database … encoding 'UTF8' template template0`),
      );
    } finally {
      await onServer(serverUrl ?? '', `drop database ${name} with (force)`);
    }
  });

  it('notices a database that becomes read-only by a write, and continues when it accepts writes again', async () => {
    const database = await open(url);
    await probeWrites(database);
    await onServer(url, `alter database ${nameOf(url)} set default_transaction_read_only = on`);
    // Existing connections keep their setting.
    await endConnections(url);
    await vi.waitFor(() => expect(probeWrites(database)).rejects.toMatchObject({ code: '25006' }), { timeout: 20_000 });
    await onServer(serverUrl ?? '', `alter database ${nameOf(url)} reset default_transaction_read_only`);
    await vi.waitFor(() => probeWrites(database), { timeout: 10_000 });
  });

  it('gives no caller a connection that the server is ending', async () => {
    const { kysely } = await open(url);
    for (let turn = 0; turn < 20; turn++) {
      const ended = sql`select pg_terminate_backend(pg_backend_pid())`.execute(kysely);
      // At once: the error arrives before the end of the connection.
      const next = ended.catch(() => sql`select 1 as one`.execute(kysely));
      await expect(next).resolves.toMatchObject({ rows: [{ one: 1 }] });
    }
  });

  it('works with the connections that a limited role has', async () => {
    const role = `${nameOf(url)}_few`;
    await onServer(url, `create role ${role} login connection limit 4; grant create on schema public to ${role}`);
    const few = new URL(url);
    few.username = role;
    const database = await openDatabase({ databaseUrl: few.href, dataDir: '' });
    try {
      const writes = Array.from({ length: 40 }, () => probeWrites(database));
      await Promise.all(writes);
      expect(writes).toHaveLength(40);
    } finally {
      await database.close();
      await onServer(url, `drop owned by ${role}; drop role ${role}`);
    }
  });

  it('a start on a read-only database reports it', async () => {
    await open(url);
    await onServer(url, `alter database ${nameOf(url)} set default_transaction_read_only = on`);
    await expect(openDatabase({ databaseUrl: url, dataDir: '' })).rejects.toThrow(
      /^The database takes no writes \(PostgreSQL at .*read-only/,
    );
  });

  it(
    'a statement on a silent connection fails after 20 s, and the next uses a new connection',
    { timeout: 60_000 },
    async () => {
      const proxy = await startSilentProxy(url);
      try {
        const database = await open(proxy.through(url));
        const held = await database.pool.connect();
        proxy.silence();
        const begun = performance.now();
        const failing = held.query('select 1');
        await expect(failing).rejects.toThrow('The database has not answered for 20 s');
        expect(performance.now() - begun).toBeGreaterThan(19_000);
        held.release(true);
        proxy.heal();
        // Idle connections in the pool are given up after 10 s of silence.
        await probeWrites(database);
      } finally {
        await proxy.stop();
      }
    },
  );

  it('a connection at rest, such as a listener’s, does not count as silent', { timeout: 60_000 }, async () => {
    const database = await open(url);
    const listener = await database.pool.connect();
    const heard: unknown[] = [];
    listener.on('notification', ({ payload }) => heard.push(payload));
    await listener.query('listen news');
    // Waits for the bound of silence: no event tells that it has passed.
    await new Promise((resolve) => setTimeout(resolve, 21_000));
    await database.pool.query(`notify news, 'still there'`);
    await vi.waitFor(() => expect(heard).toEqual(['still there']), { timeout: 20_000 });
    listener.release();
  });

  describe.each(PGBOUNCERS)('behind PgBouncer $version', (pgbouncer) => {
    it('in session mode everything works, including the queue in the database', { timeout: 60_000 }, async () => {
      const pooler = await startPgBouncer(pgbouncer, serverUrl ?? '', 'session');
      try {
        await expectJobs(pooler.through(url));
      } finally {
        for (const each of opened.splice(0).toReversed()) await each.close();
        await pooler.stop();
      }
    });

    it.each([
      ['', []],
      [' of a pooler that lets none wait', ['query_wait_timeout = 1']],
    ])(
      'four processes share five sessions%s: no caller is refused, and a log line reports it',
      async (_what, settings) => {
        await (await open(url)).close();
        opened.pop();
        const pooler = await startPgBouncer(pgbouncer, serverUrl ?? '', 'session', 5, settings);
        const warn = vi.spyOn(Logger.prototype, 'warn').mockReturnValue(undefined);
        const processes: Database[] = [];
        try {
          for (let index = 0; index < 4; index++)
            processes.push(await openDatabase({ databaseUrl: pooler.through(url), dataDir: '' }));
          // Each wave of eight asks for more connections than there are, before and after the pooler's first refusal.
          const call = async (database: Database): Promise<void> => {
            for (let times = 0; times < 100; times++) await probeWrites(database);
          };
          await Promise.all(processes.flatMap((database) => Array.from({ length: 8 }, () => call(database))));
          expect(warn.mock.calls.map(([line]) => String(line))).toContainEqual(
            expect.stringMatching(/has no more connections: this process goes on with \d of 16$/),
          );
        } finally {
          warn.mockRestore();
          await Promise.all(processes.map((database) => database.close()));
          await pooler.stop();
        }
      },
    );

    it('a start without a session reports it', async () => {
      const pooler = await startPgBouncer(pgbouncer, serverUrl ?? '', 'session', 1);
      const holder = new pg.Client({ connectionString: pooler.through(url) });
      await holder.connect();
      await holder.query('select 1');
      try {
        await expect(openDatabase({ databaseUrl: pooler.through(url), dataDir: '' })).rejects.toThrow(
          /^The database cannot be reached \(.*\): The database, or the pooler before it, has had no connection free for 3 s; this process holds 0 of 1$/,
        );
      } finally {
        await holder.end();
        await pooler.stop();
      }
    });

    it.each(['transaction', 'statement'] as const)('refuses %s mode by name', async (mode) => {
      const pooler = await startPgBouncer(pgbouncer, serverUrl ?? '', mode);
      try {
        const opening = openDatabase({ databaseUrl: pooler.through(url), dataDir: '' });
        await expect(opening).rejects.toThrow(StartError);
        await expect(opening).rejects.toThrow(/is behind a pooler in transaction or statement mode/);
      } finally {
        await pooler.stop();
      }
    });
  });
});

describe.skipIf(!serverUrl || !REDIS_AVAILABLE || !HAPROXY_AVAILABLE)(
  'an HAProxy that ends connections after a second of rest',
  () => {
    it.each(['Redis', 'the database'])(
      'in front of PostgreSQL, with a queue in %s, stops nothing',
      { timeout: 60_000 },
      async (home) => {
        const redis = await startRedis();
        const beforeRedis = await startHaproxy(redis.url, 1_000);
        const beforePostgres = await startHaproxy(serverUrl ?? '', 1_000);
        const databaseUrl = beforePostgres.through(await createDatabase(serverUrl ?? ''));
        const database = await openDatabase({ databaseUrl, dataDir: '' });
        const queueUrl = home === 'Redis' ? beforeRedis.through(redis.url) : undefined;
        const queues = await Queues.open({ queueUrl }, database, () => undefined);
        try {
          const ran = workExpansions(queues);
          for (const id of [1, 2, 3]) {
            await probeWrites(database);
            // The client of Redis connects again once a second here, and refuses what comes meanwhile.
            await vi.waitFor(() => queues.ping(), { timeout: 15_000 });
            await queues.add('expand', [{ id: `job-${id}`, data: { id } }]);
            await vi.waitFor(() => expect(ran).toContain(id), { timeout: 15_000 });
            // Everything rests for longer than the proxy allows: the rest itself is under test.
            await new Promise((resolve) => setTimeout(resolve, 2_500));
          }
        } finally {
          await queues.close();
          await database.close();
          for (const each of [beforeRedis, beforePostgres, redis]) await each.stop();
        }
      },
    );
  },
);

describe.skipIf(!serverUrl)('a standby', () => {
  let standby: Awaited<ReturnType<typeof startPostgres>>;
  beforeAll(async () => {
    standby = await startPostgres({ standby: true });
  });
  afterAll(() => standby?.stop());

  it('is refused by name', async () => {
    const opening = openDatabase({ databaseUrl: standby?.url, dataDir: '' });
    await expect(opening).rejects.toThrow(StartError);
    await expect(opening).rejects.toThrow(/is a standby, which takes no writes: give the address of its primary/);
  });
});

function nameOf(url: string): string {
  return new URL(url).pathname.slice(1);
}

function endConnections(url: string): Promise<void> {
  return onServer(
    url,
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
  );
}

async function onServer(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
