import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import pg from 'pg';
import { afterEach, describe, expect, inject, it, vi } from 'vitest';
import { Api } from '../harness/api.js';
import { startCarillon } from '../harness/carillon.js';
import { claimRedisDatabase, createDatabase } from '../harness/servers.js';

/** The connections of a process, compared with the table in docs/operations.md. */

const GUIDE = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
const DOCUMENTED = new Map(
  [...GUIDE.matchAll(/^\| (`(?:api|worker)`[^|]*?) +\| (\d+) +\| (\d+) +\| (\d+) +\|$/gm)].map(
    ([, roles = '', ...numbers]) => [roles, numbers.map(Number)],
  ),
);
const API = '`api`, `scheduler` or both';
const WORKER = '`worker`, alone or with others';
const CALLERS = 64;

const postgresUrl = inject('postgresUrl');
const redisUrl = inject('redisUrl');
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

describe.skipIf(!postgresUrl || !redisUrl)('the connections of one process', () => {
  const start = async (withRedis: boolean, roles: string) => {
    const databaseUrl = await createDatabase(postgresUrl ?? '');
    const queueUrl = withRedis ? await claimRedisDatabase(redisUrl ?? '') : undefined;
    const carillon = await startCarillon({
      DATABASE_URL: databaseUrl,
      ...(queueUrl !== undefined && { QUEUE_URL: queueUrl }),
      MASTER_KEY: randomBytes(32).toString('base64'),
      ROLES: roles,
    });
    closing.push(() => carillon.stop());
    const watcher = new pg.Client({ connectionString: databaseUrl });
    await watcher.connect();
    closing.push(() => watcher.end());
    const inPostgres = async (): Promise<number> => {
      const { rows } = await watcher.query<{ count: number }>(
        `select count(*)::int as count from pg_stat_activity
         where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'`,
      );
      return rows[0]?.count ?? 0;
    };
    const redis = new Redis(redisUrl ?? '');
    closing.push(() => redis.quit());
    const inRedis = async (): Promise<number> => {
      const list = String(await redis.client('LIST'));
      const database = new URL(queueUrl ?? '').pathname.slice(1);
      return list.split('\n').filter((line) => line.includes(` db=${database} `)).length;
    };
    return { carillon, inPostgres, inRedis };
  };

  it.each([
    [API, 'api,scheduler', true],
    [API, 'api,scheduler', false],
    [WORKER, 'api,worker,scheduler', true],
    [WORKER, 'api,worker,scheduler', false],
  ])('%s: %s, with QUEUE_URL %s, does not exceed the guide', async (row, roles, withRedis) => {
    const [withQueue = 0, without = 0, ofRedis = 0] = DOCUMENTED.get(row) ?? [];
    const { carillon, inPostgres, inRedis } = await start(withRedis, roles);
    const api = await Api.connect(carillon.url);
    let most = 0;
    let calling = true;
    const call = async (): Promise<void> => {
      while (calling) expect((await api.app('GET', '/devices')).status).toBe(200);
    };
    const calls = Array.from({ length: CALLERS }, call);
    try {
      // Waiting callers use the whole pool that answers them; the queue opens its connections as needed.
      await vi.waitFor(
        async () => {
          most = Math.max(most, await inPostgres());
          expect(most).toBeGreaterThanOrEqual(16);
          if (withRedis) expect(await inRedis()).toBe(ofRedis);
        },
        { timeout: 60_000, interval: 20 },
      );
    } finally {
      calling = false;
      await Promise.all(calls);
    }
    expect(Math.max(most, await inPostgres())).toBeLessThanOrEqual(withRedis ? withQueue : without);
  });
});
