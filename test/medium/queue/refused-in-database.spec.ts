import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Database } from '../../../src/database/database.js';
import { Queues } from '../../../src/queue/queue.js';
import { openPlace } from '../database/places.js';
import { untilRun, workExpansions } from './jobs-run.js';

describe('a queue whose tables are taken away', { timeout: 60_000 }, () => {
  let database: Database;
  let remove: () => Promise<void>;
  let queues: Queues;
  beforeEach(async () => {
    ({ database, remove } = await openPlace());
    queues = await Queues.open({}, database, () => undefined);
  });
  afterEach(async () => {
    await queues.close();
    await remove();
  });

  it('uses no core and delays no timers, and continues when they are back', async () => {
    const ran = workExpansions(queues);
    const runs = (id: number): Promise<void> => untilRun(queues, ran, id, 25_000);
    await runs(1);
    await database.pool.query('alter schema bullmq rename to gone');
    await expect(queues.add('expand', [{ id: 'job-2', data: { id: 2 } }])).rejects.toThrow(/does not exist/);
    const before = process.cpuUsage();
    const begun = performance.now();
    // A pause on purpose: a stretch of time is measured.
    await delay(2_000);
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1_000 / (performance.now() - begun)).toBeLessThan(0.5);
    await database.pool.query('alter schema gone rename to bullmq');
    await runs(3);
  });
});
