import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { CALM_MS } from '../../src/common/outage.js';
import { Api } from '../harness/api.js';
import { startCarillon } from '../harness/carillon.js';
import type { RunningCarillon } from '../harness/carillon.js';
import { createDatabase, startPostgres } from '../harness/servers.js';
import { startRedis } from '../medium/queue/redis-server.js';
import { SERVERS } from './stages.js';

/** Servers that go and come, as an orchestrator and a reader of the log see them. */

const cleaning: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleaning.splice(0).toReversed()) await clean();
});

interface Seen {
  /** Ms of the slowest answer of /health/live. */
  slowest: number;
  live: Set<number>;
  /** Statuses of /health/ready. */
  ready: Set<number>;
}

/** Asks each process every 100 ms until the end. */
function watch(processes: readonly RunningCarillon[]): () => Promise<Seen[]> {
  let isOver = false;
  const asked = processes.map(async ({ url }): Promise<Seen> => {
    const seen: Seen = { slowest: 0, live: new Set(), ready: new Set() };
    const probe = async (path: string): Promise<number> => {
      const answer = await fetch(`${url}/health/${path}`).catch(() => null);
      await answer?.text();
      return answer?.status ?? 0;
    };
    const live = async (): Promise<void> => {
      while (!isOver) {
        const begun = performance.now();
        seen.live.add(await probe('live'));
        seen.slowest = Math.max(seen.slowest, performance.now() - begun);
        await delay(100);
      }
    };
    const ready = async (): Promise<void> => {
      while (!isOver) {
        seen.ready.add(await probe('ready'));
        await delay(100);
      }
    };
    await Promise.all([live(), ready()]);
    return seen;
  });
  return () => {
    isOver = true;
    return Promise.all(asked);
  };
}

function expectLive({ slowest, live }: Seen): void {
  expect(live).toEqual(new Set([200]));
  expect(slowest).toBeLessThan(1_000);
}

/** The warnings and errors, and the lines of outages, since the offset. */
const linesOf = (log: string): string[] =>
  log.split('\n').filter((line) => / (WARN|ERROR) |can be used again/.test(line));

async function untilReady({ url }: RunningCarillon): Promise<void> {
  await expect.poll(async () => (await fetch(`${url}/health/ready`)).status, { timeout: 60_000 }).toBe(200);
}

describe.runIf(SERVERS)('a server that goes and comes', () => {
  const start = async (environment: Record<string, string>) => {
    const api = await startCarillon({ ...environment, ROLES: 'api' });
    cleaning.push(() => api.kill());
    const worker = await startCarillon({ ...environment, ROLES: 'worker,scheduler' });
    cleaning.push(() => worker.kill());
    return [api, worker] as const;
  };

  it('Redis, on and off five times: messages are accepted, and the log has the outage and no line of a probe', async () => {
    const redis = await startRedis();
    cleaning.push(() => redis.stop());
    const { environment } = await SERVERS!.prepare();
    const processes = await start({ ...environment, QUEUE_URL: redis.url });
    const api = await Api.connect(processes[0].url);
    await api.registerDevices([{ deviceId: 'ann', platform: 'A', token: 'sandbox:accepted:ann', userId: 'ann' }]);
    const before = processes.map((each) => each.output().length);
    const end = watch(processes);
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) {
      await redis.kill();
      const sent = await api.app<{ messageId: string }>('POST', '/messages', {
        message: { alert: 'x' },
        target: { userIds: ['ann'] },
      });
      expect(sent.status).toBe(202);
      ids.push(sent.body.messageId);
      await delay(1_000);
      await redis.restart();
      await delay(1_000);
    }
    for (const each of processes) await untilReady(each);
    await delay(CALM_MS + 2_000);
    const [ofApi, ofWorker] = await end();
    expect([ofApi!.ready, ofWorker!.ready.has(503)]).toEqual([new Set([200]), true]);
    for (const each of [ofApi!, ofWorker!]) expectLive(each);
    for (const [index, each] of processes.entries())
      expect(linesOf(each.output().slice(before[index]))).toEqual([
        expect.stringMatching(/ERROR.*\[Queue\] The queue cannot be used: /),
        expect.stringMatching(/\[Queue\] The queue can be used again, after \d+ s/),
      ]);
    for (const id of ids) expect((await api.waitFor(id)).outcomes).toMatchObject({ accepted: 1 });
  });

  it('PostgreSQL that hangs (SIGSTOP): ready is 503 within its limit, live is 200, and the log has one outage', async () => {
    const postgres = await startPostgres();
    cleaning.push(() => postgres.stop());
    const environment = {
      DATABASE_URL: await createDatabase(postgres.url),
      QUEUE_URL: inject('redisUrl')!,
      QUEUE_PREFIX: 'outages',
      MASTER_KEY: randomBytes(32).toString('base64'),
    };
    const processes = await start(environment);
    const before = processes.map((each) => each.output().length);
    const pids = execFileSync('ps', ['-o', 'pid=', '--ppid', String(postgres.pid)], { encoding: 'utf8' });
    const all = [postgres.pid, ...pids.trim().split(/\s+/).map(Number)];
    const tellAll = (signal: NodeJS.Signals): void => {
      for (const pid of all)
        try {
          process.kill(pid, signal);
        } catch {
          // This process of the server has ended meanwhile.
        }
    };
    tellAll('SIGSTOP');
    const end = watch(processes);
    cleaning.push(() => tellAll('SIGCONT'));
    for (const { url } of processes) {
      const begun = performance.now();
      expect((await fetch(`${url}/health/ready`)).status).toBe(503);
      expect(performance.now() - begun).toBeLessThan(5_000);
    }
    await delay(8_000);
    tellAll('SIGCONT');
    for (const each of processes) await untilReady(each);
    await delay(CALM_MS + 2_000);
    for (const each of await end()) expectLive(each);
    for (const [index, each] of processes.entries())
      expect(linesOf(each.output().slice(before[index]))).toEqual([
        expect.stringMatching(/ERROR.*\[Database\] The database cannot be used: /),
        expect.stringMatching(/\[Database\] The database can be used again, after \d+ s/),
      ]);
  });
});
