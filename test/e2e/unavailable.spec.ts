import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import pg from 'pg';
import { afterEach, describe, expect, inject, it, vi } from 'vitest';
import { Api } from '../harness/api.js';
import { startCarillon } from '../harness/carillon.js';
import type { RunningCarillon } from '../harness/carillon.js';
import { startSilentProxy } from '../harness/silent-proxy.js';
import { startRedis } from '../medium/queue/redis-server.js';
import { SERVERS } from './stages.js';

/**
 * Answers to callers and orchestrators while a server is unreachable, silent or read-only, and the recovery without
 * help.
 */

const cleaning: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleaning.splice(0).toReversed()) await clean();
});

async function run(environment: Record<string, string>): Promise<{ carillon: RunningCarillon; api: Api }> {
  const carillon = await startCarillon(environment);
  cleaning.push(() => carillon.kill());
  const api = await Api.connect(carillon.url);
  await api.registerDevices([{ deviceId: 'ann', platform: 'A', token: 'sandbox:accepted:ann', userId: 'ann' }]);
  return { carillon, api };
}

interface Refusal {
  code: string;
  message: string;
}

const send = (api: Api, alert = 'hello', settings?: object) =>
  api.app<Refusal & { messageId: string }>('POST', '/messages', {
    message: { alert },
    target: { userIds: ['ann'] },
    settings,
  });

/** Checks the status and the time to come again. */
async function expectUnavailable(api: Api): Promise<void> {
  const { status, body, headers } = await send(api);
  expect([status, body.code, headers.get('retry-after')]).toEqual([503, 'FPWSE0025E', '5']);
}

async function ready({
  url,
}: RunningCarillon): Promise<{ status: number; word: string; database: string; queue: string }> {
  const response = await fetch(`${url}/health/ready`);
  const { status: word, ...parts } = (await response.json()) as { status: string; database: string; queue: string };
  return { ...parts, word, status: response.status };
}

const expectReady = (carillon: RunningCarillon, expected: object, timeout = 30_000) =>
  vi.waitFor(async () => expect(await ready(carillon)).toMatchObject(expected), { timeout, interval: 250 });

const READY = { status: 200, database: 'up', queue: 'up' };
const NO_DATABASE = { status: 503, database: 'down' };

/** Checks that messages are accepted and sent again. */
async function expectGoesOn(api: Api): Promise<void> {
  const sent = await vi.waitFor(
    async () => {
      const answer = await send(api, 'again');
      expect(answer.status).toBe(202);
      return answer;
    },
    { timeout: 30_000, interval: 500 },
  );
  await expectSent(api, sent.body.messageId);
}

async function expectSent(api: Api, messageId: string): Promise<void> {
  await vi.waitFor(
    async () => {
      expect((await api.message(messageId)).outcomes).toMatchObject({ accepted: 1 });
    },
    { timeout: 30_000, interval: 250 },
  );
}

describe.skipIf(!SERVERS)('on servers', () => {
  const prepare = async () => {
    const { environment, clean } = await SERVERS!.prepare();
    cleaning.push(clean);
    return environment;
  };
  const onServer = async (statement: string) => {
    const client = new pg.Client({ connectionString: inject('postgresUrl') ?? '' });
    client.on('error', () => undefined);
    await client.connect();
    await client.query(statement).finally(() => client.end());
  };

  it('a silent database: callers wait 25 s at most, and 30 s after its return everything works', async () => {
    const environment = await prepare();
    const proxy = await startSilentProxy(environment.DATABASE_URL!);
    cleaning.push(() => proxy.stop());
    const { carillon, api } = await run({ ...environment, DATABASE_URL: proxy.through(environment.DATABASE_URL!) });
    const later = await api.app<{ messageId: string }>('POST', '/messages', {
      message: { alert: 'later' },
      target: { userIds: ['ann'] },
      sendAt: new Date(Date.now() + 5_000).toISOString(),
    });
    expect(later.status).toBe(202);
    // Callers and the sweeper use connections when the server fails.
    proxy.silence();
    const begun = performance.now();
    const answers = await Promise.all(Array.from({ length: 9 }, () => send(api)));
    // The bound, and a share for a busy machine.
    expect(performance.now() - begun).toBeLessThan(35_000);
    expect(answers.map(({ status, body }) => [status, body.code])).toEqual(answers.map(() => [503, 'FPWSE0025E']));
    await expectReady(carillon, NO_DATABASE);
    proxy.heal();
    await expectReady(carillon, READY);
    await expectGoesOn(api);
    await expectSent(api, later.body.messageId);
  });

  it('a read-only database: 503 until it accepts writes', async () => {
    const environment = await prepare();
    const { carillon, api } = await run(environment);
    const name = new URL(environment.DATABASE_URL!).pathname.slice(1);
    await onServer(`alter database ${name} set default_transaction_read_only = on`);
    // Sessions keep the setting with which they began, so they are ended, as by a failover.
    await onServer(`select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`);
    await expectReady(carillon, NO_DATABASE);
    await expectUnavailable(api);
    const token = await fetch(`${carillon.url}/mfp/api/az/v1/authorization/clients`, {
      headers: { authorization: api.authorization },
    });
    expect(token.status).toBeLessThan(500);
    await onServer(`alter database ${name} reset default_transaction_read_only`);
    await expectReady(carillon, READY);
    await expectGoesOn(api);
  });

  it('a silent or read-only Redis: messages are accepted, readiness reports it, and everything recovers', async () => {
    const redis = await startRedis();
    cleaning.push(() => redis.stop());
    const proxy = await startSilentProxy(redis.url);
    cleaning.push(() => proxy.stop());
    const environment = await prepare();
    const { carillon, api } = await run({ ...environment, QUEUE_URL: proxy.through(redis.url).replace(/\/$/, '') });
    const admin = new Redis(redis.url);
    cleaning.push(() => admin.disconnect());
    const NO_QUEUE = { status: 200, database: 'up', queue: 'down' };
    const worker = await startCarillon({
      ...environment,
      ROLES: 'worker,scheduler',
      QUEUE_URL: proxy.through(redis.url).replace(/\/$/, ''),
    });
    cleaning.push(() => worker.kill());
    await expectReady(worker, READY);

    proxy.silence();
    await expectReady(carillon, { ...NO_QUEUE, word: 'degraded' });
    await expectReady(worker, { ...NO_QUEUE, status: 503, word: 'not ready' });
    expect((await fetch(`${worker.url}/health/live`)).status).toBe(200);
    const { body } = await api.call<{ queue: null; problems: { code: string }[] }>('GET', '/system');
    expect([body.queue, body.problems.map(({ code }) => code)]).toEqual([null, ['queueDown']]);
    const kept = await send(api, 'kept');
    expect(kept.status).toBe(202);
    proxy.heal();
    await expectReady(carillon, READY);
    await expectReady(worker, READY);
    await expectSent(api, kept.body.messageId);

    await admin.config('SET', 'maxmemory', '1');
    await expectReady(carillon, NO_QUEUE);
    const full = await send(api, 'full');
    expect(full.status).toBe(202);
    await admin.config('SET', 'maxmemory', '0');
    await expectReady(carillon, READY);
    await expectSent(api, full.body.messageId);

    await admin.config('SET', 'maxmemory', '1');
    await expectReady(carillon, NO_QUEUE);
    // A refused worker waits and still handles the signal.
    expect((await carillon.stop()).code).toBe(0);
  });
});

/** A file system of a few hundred megabytes, which only root can mount. */
function mountSmall(): string | null {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-full-'));
  cleaning.push(() => rmSync(folder, { recursive: true, force: true }));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=250m', 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    return null;
  }
  cleaning.push(() => execFileSync('umount', ['-l', folder]));
  return folder;
}

it('a full disk under the embedded database: 503 until there is space', async (context) => {
  const disk = mountSmall();
  if (disk === null) return context.skip('a small file system cannot be mounted here');
  const folder = join(disk, 'data');
  mkdirSync(folder);
  cpSync(inject('embeddedFolder'), folder, { recursive: true });
  const { carillon, api } = await run({ DATA_DIR: folder });
  const { bavail, bsize } = statfsSync(disk);
  writeFileSync(join(disk, 'ballast'), Buffer.alloc(bavail * bsize));
  // Text that does not compress, so that it has to be written.
  const large = () => ({ apns: { payload: { noise: randomBytes(1_800).toString('base64') } } });
  await vi.waitFor(
    async () => {
      const answers = await Promise.all(Array.from({ length: 20 }, () => send(api, 'large', large())));
      expect(
        answers
          .map(({ status }) => status)
          .toSorted()
          .at(-1),
      ).toBe(503);
      expect(answers.filter(({ status }) => status >= 500 && status !== 503)).toEqual([]);
    },
    { timeout: 90_000, interval: 10 },
  );
  await expectUnavailable(api);
  rmSync(join(disk, 'ballast'));
  await expectReady(carillon, READY);
  await expectGoesOn(api);
});
