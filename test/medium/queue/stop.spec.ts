import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Database } from '../../../src/database/database.js';
import { Queues } from '../../../src/queue/queue.js';
import { startRedis } from '../../harness/servers.js';
import type { Server } from '../../harness/servers.js';

const REDIS_NEEDS_NO_DATABASE = {} as Database;

describe('a stop while Redis is unreachable', () => {
  const servers: Server[] = [];

  afterEach(async () => {
    for (const server of servers.splice(0)) await server.stop();
  });

  async function open(): Promise<{ redis: Server; queues: Queues } | null> {
    const redis = await startRedis();
    if (!redis) return null;
    servers.push(redis);
    const queues = await Queues.open({ queueUrl: redis.url }, REDIS_NEEDS_NO_DATABASE, () => undefined);
    return { redis, queues };
  }

  it('waits only for the current job', async (context) => {
    const opened = await open();
    if (!opened) return context.skip('no redis-server');
    const { redis, queues } = opened;
    let state = 'none';
    let release = (): void => undefined;
    queues.work('expand', 4, async () => {
      state = 'running';
      await new Promise<void>((resolve) => (release = resolve));
      state = 'done';
    });
    await queues.add('expand', [{ id: 'one', data: { id: 1 } }]);
    await vi.waitUntil(() => state === 'running', 10_000);
    await redis.stop();

    let stopped = false;
    const stopping = queues.close().then(() => (stopped = true));
    // Longer than the time for an idle worker.
    await delay(3_000);
    expect(stopped).toBe(false);
    release();
    const started = performance.now();
    await stopping;
    expect(state).toBe('done');
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  it('waits for nothing without a job', async (context) => {
    const opened = await open();
    if (!opened) return context.skip('no redis-server');
    const { redis, queues } = opened;
    queues.work('expand', 4, () => Promise.resolve());
    await redis.stop();
    const started = performance.now();
    await queues.close();
    expect(performance.now() - started).toBeLessThan(5_000);
  });
});
