import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StartError } from '../../../src/common/start-error.js';
import type { Database } from '../../../src/database/database.js';
import { Queues } from '../../../src/queue/queue.js';
import { SENTINEL_AVAILABLE } from './redis-server.js';
import { startSentinels } from './redis-sentinels.js';
import type { Sentinels } from './redis-sentinels.js';
import { untilRun, workExpansions } from './jobs-run.js';

const DATABASE = { epoch: 'test' } as Database;

describe.skipIf(!SENTINEL_AVAILABLE)('a Redis behind sentinels', { timeout: 90_000 }, () => {
  let sentinels: Sentinels;
  const opened: Queues[] = [];
  beforeEach(async () => {
    sentinels = await startSentinels();
  }, 60_000);
  afterEach(async () => {
    for (const queues of opened.splice(0)) await queues.close();
    await sentinels.stop();
  });

  const open = async (queueUrl: string): Promise<Queues> => {
    const queues = await Queues.open({ queueUrl, queuePrefix: 'bull' }, DATABASE, () => undefined);
    opened.push(queues);
    return queues;
  };

  it('is used at its master, and at the replica that replaces it', async () => {
    const queues = await open(sentinels.url);
    const ran = workExpansions(queues);
    const runs = (id: number): Promise<void> => untilRun(queues, ran, id, 40_000);
    await runs(1);
    await sentinels.master.kill();
    await runs(2);
    await queues.ping();
    const successor = new Redis(sentinels.replica.url, { password: 'hush' });
    expect(await successor.role()).toContain('master');
    successor.disconnect();
  });

  it('refuses the start in the sentinels’ words if they know no such master or are unreachable', async () => {
    const unknown = open(sentinels.url.replace('/mymaster', '/other'));
    await expect(unknown).rejects.toThrow(StartError);
    await expect(unknown).rejects.toThrow(
      /^The queue cannot be reached \(Redis other by its sentinels at 127\.0\.0\.1:\d+,.*\): .*sentinel/i,
    );
    await expect(unknown).rejects.not.toThrow(/hush|watch/);
    const { port } = new URL(sentinels.master.url);
    await expect(open(`redis+sentinel://127.0.0.1:${port}/mymaster`)).rejects.toThrow(StartError);
  });
});
