import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { StartError } from '../../../src/common/start-error.js';
import type { Database } from '../../../src/database/database.js';
import { Queues } from '../../../src/queue/queue.js';
import { REDIS_AVAILABLE, startRedis } from './redis-server.js';
import type { RedisServer } from './redis-server.js';
import { untilRun, workExpansions } from './jobs-run.js';

const DATABASE = { epoch: 'test' } as Database;

describe.skipIf(!REDIS_AVAILABLE)('a Redis behind sentinels', { timeout: 90_000 }, () => {
  let folder: string;
  let master: RedisServer;
  let replica: RedisServer;
  let sentinels: RedisServer[];
  let url: string;
  const opened: Queues[] = [];
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'carillon-sentinel-'));
    const password = ['--requirepass', 'hush', '--masterauth', 'hush'];
    master = await startRedis(password);
    replica = await startRedis([...password, '--replicaof', '127.0.0.1', portOf(master)]);
    sentinels = [];
    for (let index = 0; index < 3; index++) {
      const file = join(folder, `sentinel-${index}.conf`);
      const lines = [
        'requirepass watch',
        'sentinel sentinel-pass watch',
        `sentinel monitor mymaster 127.0.0.1 ${portOf(master)} 2`,
        'sentinel auth-pass mymaster hush',
        'sentinel down-after-milliseconds mymaster 1000',
        'sentinel failover-timeout mymaster 5000',
      ];
      writeFileSync(file, lines.join('\n'));
      sentinels.push(await startRedis([], [file, '--sentinel']));
    }
    const hosts = sentinels.map((each) => `127.0.0.1:${portOf(each)}`).join(',');
    url = `redis+sentinel://:hush@${hosts}/mymaster?sentinelPassword=watch`;
    // A failover requires that the replica and the other sentinels are known.
    const asked = new Redis(sentinels[0]!.url, { password: 'watch' });
    await vi.waitFor(
      async () => {
        const known = /status=ok,address=[^,]+,slaves=1,sentinels=3/.test(await asked.info('sentinel'));
        if (!known) throw new Error('the sentinels do not know each other yet');
      },
      { timeout: 30_000, interval: 200 },
    );
    asked.disconnect();
  }, 60_000);
  afterEach(async () => {
    for (const queues of opened.splice(0)) await queues.close();
    for (const server of [...sentinels, replica, master]) await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const open = async (queueUrl: string): Promise<Queues> => {
    const queues = await Queues.open({ queueUrl, queuePrefix: 'bull' }, DATABASE, () => undefined);
    opened.push(queues);
    return queues;
  };

  it('is used at its master, and at the replica that replaces it', async () => {
    const queues = await open(url);
    const ran = workExpansions(queues);
    const runs = (id: number): Promise<void> => untilRun(queues, ran, id, 40_000);
    await runs(1);
    await master.kill();
    await runs(2);
    await queues.ping();
    const successor = new Redis(replica.url, { password: 'hush' });
    expect(await successor.role()).toContain('master');
    successor.disconnect();
  });

  it('refuses the start in the sentinels’ words if they know no such master or are unreachable', async () => {
    const unknown = open(url.replace('/mymaster', '/other'));
    await expect(unknown).rejects.toThrow(StartError);
    await expect(unknown).rejects.toThrow(
      /^The queue cannot be reached \(Redis other by its sentinels at 127\.0\.0\.1:\d+,.*\): .*sentinel/i,
    );
    await expect(unknown).rejects.not.toThrow(/hush|watch/);
    const { port } = new URL(master.url);
    await expect(open(`redis+sentinel://127.0.0.1:${port}/mymaster`)).rejects.toThrow(StartError);
  });
});

function portOf({ url }: RedisServer): string {
  return new URL(url).port;
}
