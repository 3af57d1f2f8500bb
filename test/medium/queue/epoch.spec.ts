import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterEach, describe, expect, inject, it, vi } from 'vitest';
import { openDatabase } from '../../../src/database/database.js';
import type { Database } from '../../../src/database/database.js';
import { deliverJob } from '../../../src/queue/jobs.js';
import { Queues } from '../../../src/queue/queue.js';
import { createDatabase } from '../../harness/servers.js';
import { REDIS_AVAILABLE, startRedis } from './redis-server.js';

const cleaning: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const clean of cleaning.splice(0).toReversed()) await clean();
});

const serverUrl = inject('postgresUrl') ?? '';

describe.skipIf(serverUrl === '')('the epoch of a database', () => {
  const epochOf = async (databaseUrl: string): Promise<string> => {
    const database = await openDatabase({ databaseUrl, dataDir: '' });
    await database.close();
    return database.epoch;
  };
  const onServer = async (statement: string): Promise<void> => {
    const client = new pg.Client({ connectionString: serverUrl });
    await client.connect();
    await client.query(statement).finally(() => client.end());
  };

  it('stays when processes come and go, and changes when the database is restored beside itself or in its place', async () => {
    const url = await createDatabase(serverUrl);
    const name = new URL(url).pathname.slice(1);
    const first = await epochOf(url);
    expect(first).toMatch(/^[A-Za-z0-9]{4,8}$/);
    expect(await epochOf(url)).toBe(first);

    const copy = `copy_${randomBytes(6).toString('hex')}`;
    await onServer(`create database ${copy} template ${name}`);
    cleaning.push(() => onServer(`drop database ${copy} with (force)`));
    const beside = new URL(url);
    beside.pathname = `/${copy}`;
    const second = await epochOf(beside.href);
    expect(second).not.toBe(first);

    // Like a restore of a dump under the old name.
    await onServer(`drop database ${name} with (force)`);
    await onServer(`create database ${name} template ${copy}`);
    cleaning.push(() => onServer(`drop database ${name} with (force)`));
    expect([first, second]).not.toContain(await epochOf(url));
  });
});

it.skipIf(!REDIS_AVAILABLE)('a job from before a restore does not prevent the same row’s job after it', async () => {
  const redis = await startRedis();
  cleaning.push(() => redis.stop());
  const open = async (epoch: string): Promise<Queues> => {
    const queues = await Queues.open({ queueUrl: redis.url }, { epoch } as Database, () => undefined);
    cleaning.push(() => queues.close());
    return queues;
  };
  const later = deliverJob({ id: 7, epoch: 1, urgent: true, applicationId: 'app' }, 3_600_000);
  await (await open('before')).add('deliver-apns', [later]);
  const after = await open('after');
  const ran: number[] = [];
  after.work('deliver-apns', 1, ({ id }) => {
    ran.push(id);
    return Promise.resolve();
  });
  await after.add('deliver-apns', [deliverJob({ id: 7, epoch: 1, urgent: true, applicationId: 'app' })]);
  await vi.waitFor(() => expect(ran).toEqual([7]), { timeout: 10_000 });
});
