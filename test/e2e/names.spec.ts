import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { expect, inject, it } from 'vitest';
import { startCarillon } from '../harness/carillon.js';
import { startSilentProxy } from '../harness/silent-proxy.js';
import { SERVERS } from './stages.js';

/** Host names of the database and of Redis that have no address for a while, and another one afterwards. */

it.runIf(SERVERS)(
  'a name without an address stops a start, and makes a running process not ready until it has one',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'carillon-names-'));
    const file = join(folder, 'names');
    const flags = [
      '--import',
      `${new URL('../harness/names.mjs', import.meta.url).href}?file=${encodeURIComponent(file)}`,
    ];
    const name = (addresses: { db?: string; redis?: string }): void =>
      writeFileSync(
        file,
        Object.entries(addresses).reduce((text, [host, at]) => `${text}${host}.test ${at}\n`, ''),
      );
    const prepared = await SERVERS!.prepare();
    const address = new URL(prepared.environment.DATABASE_URL!);
    const rename = (url: string, host: string): string => url.replace('127.0.0.1', host);
    const environment = {
      ...prepared.environment,
      DATABASE_URL: rename(address.href, 'db.test'),
      QUEUE_URL: rename(prepared.environment.QUEUE_URL!, 'redis.test'),
    };
    const both = { db: '127.0.0.1', redis: '127.0.0.1' };
    for (const missing of ['db', 'redis'] as const) {
      const { [missing]: _left, ...others } = both;
      name(others);
      const refusal = new RegExp(
        `ended with 1:\\ncarillon: The .* cannot be reached .*EAI_AGAIN ${missing}\\.test\\n$`,
      );
      await expect(startCarillon(environment, flags)).rejects.toThrow(refusal);
    }

    const forwarder = await startSilentProxy(address.href, { host: '127.0.0.2', port: Number(address.port) });
    const admin = new pg.Client({ connectionString: inject('postgresUrl')! });
    await admin.connect();
    const cut = () =>
      admin.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [
        address.pathname.slice(1),
      ]);
    name(both);
    const carillon = await startCarillon(environment, flags);
    const ready = async (): Promise<number> => (await fetch(`${carillon.url}/health/ready`)).status;
    try {
      name({ redis: both.redis });
      await cut();
      await expect.poll(ready, { timeout: 30_000 }).toBe(503);
      name(both);
      await expect.poll(ready, { timeout: 30_000 }).toBe(200);
      name({ ...both, db: '127.0.0.2' });
      await cut();
      await expect
        .poll(async () => [await ready(), forwarder.connections() > 0], { timeout: 30_000 })
        .toEqual([200, true]);
      expect((await carillon.stop()).code).toBe(0);
    } finally {
      await carillon.kill();
      await admin.end();
      await forwarder.stop();
      rmSync(folder, { recursive: true });
    }
  },
);
