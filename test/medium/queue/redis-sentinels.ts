import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { vi } from 'vitest';
import { portOf, startRedis } from './redis-server.js';
import type { RedisServer } from './redis-server.js';

export interface Sentinels {
  /** For QUEUE_URL. */
  url: string;
  master: RedisServer;
  replica: RedisServer;
  stop(): Promise<void>;
}

/** A master, a replica and three sentinels, which replace a dead master after a second. */
export async function startSentinels(): Promise<Sentinels> {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-sentinel-'));
  const password = ['--requirepass', 'hush', '--masterauth', 'hush'];
  const master = await startRedis(password);
  const replica = await startRedis([...password, '--replicaof', '127.0.0.1', portOf(master)]);
  const sentinels: RedisServer[] = [];
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
    sentinels.push(await startRedis([], [file], 'redis-sentinel'));
  }
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
  const hosts = sentinels.map((each) => `127.0.0.1:${portOf(each)}`).join(',');
  return {
    url: `redis+sentinel://:hush@${hosts}/mymaster?sentinelPassword=watch`,
    master,
    replica,
    stop: async () => {
      for (const server of [...sentinels, replica, master]) await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
