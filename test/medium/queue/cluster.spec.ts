import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { StartError } from '../../../src/common/start-error.js';
import type { Database } from '../../../src/database/database.js';
import { QUEUE_NAMES } from '../../../src/queue/jobs.js';
import { Queues } from '../../../src/queue/queue.js';
import { untilRun, workExpansions } from './jobs-run.js';
import { startCluster } from './redis-cluster.js';
import type { RedisCluster } from './redis-cluster.js';
import { REDIS_AVAILABLE, portOf, startRedis } from './redis-server.js';

const DATABASE = { epoch: 'test' } as Database;
const EXPAND_KEYS = '{bull:expand}';

describe.skipIf(!REDIS_AVAILABLE)('a Redis Cluster', { timeout: 60_000 }, () => {
  let cluster: RedisCluster;
  const opened: Queues[] = [];
  beforeAll(async () => {
    cluster = await startCluster();
  }, 60_000);
  afterEach(async () => {
    for (const queues of opened.splice(0)) await queues.close();
  });
  afterAll(() => cluster.stop());

  const open = async (queueUrl = cluster.url): Promise<Queues> => {
    const queues = await Queues.open({ queueUrl, queuePrefix: 'bull' }, DATABASE, () => undefined);
    opened.push(queues);
    return queues;
  };

  it('runs the jobs of every queue, and the queues are spread over the masters', async () => {
    const queues = await open();
    const ran = new Set<string>();
    for (const name of QUEUE_NAMES) queues.work(name, 2, ({ id }) => Promise.resolve(void ran.add(`${name} ${id}`)));
    const jobs = [
      { id: 'a', data: { id: 1 } },
      { id: 'b', data: { id: 2 }, priority: 3 },
      { id: 'c', data: { id: 3 }, delayMs: 200 },
    ];
    for (const name of QUEUE_NAMES) await queues.add(name, jobs);
    const all = QUEUE_NAMES.flatMap((name) => jobs.map(({ data }) => `${name} ${data.id}`));
    await vi.waitFor(() => expect([...ran].toSorted()).toEqual(all.toSorted()), { timeout: 30_000 });
    const keys = await Promise.all(cluster.masters.map(({ admin }) => admin.keys('{bull:*')));
    expect(keys.map((each) => each.length > 0)).toEqual([true, true, true]);
  });

  it('runs a job once, also if it is added again while it waits', async () => {
    const queues = await open();
    const job = { id: 'twice', data: { id: 7 } };
    await queues.add('deliver-fcm', [job]);
    await queues.add('deliver-fcm', [job, { id: 'other', data: { id: 8 } }]);
    const ran: number[] = [];
    queues.work('deliver-fcm', 1, ({ id }) => Promise.resolve(void ran.push(id)));
    await vi.waitFor(() => expect(ran).toContain(8), { timeout: 20_000 });
    expect(ran).toEqual([7, 8]);
  });

  it('counts for all processes, on whichever master the count is', async () => {
    const [one, other] = [await open(), await open()];
    for (const name of ['client:a', 'client:b', 'client:{c}', 'application:d']) {
      expect(await one.count(name, 2, 60_000)).toMatchObject({ total: 2 });
      expect(await other.count(name, 3, 60_000)).toMatchObject({ total: 5 });
    }
  });

  it('continues while the slot of a queue is moved to another master', async () => {
    const queues = await open();
    const ran = workExpansions(queues);
    await untilRun(queues, ran, 1, 20_000);
    const slot = String(await cluster.slotOf(EXPAND_KEYS));
    const from = await cluster.masterOf(EXPAND_KEYS);
    const to = cluster.masters.find((each) => each !== from)!;
    await to.admin.call('cluster', 'setslot', slot, 'importing', from.id);
    await from.admin.call('cluster', 'setslot', slot, 'migrating', to.id);
    // Keys that have left are answered with ASK; a script whose keys are on both sides is answered with TRYAGAIN.
    await vi.waitFor(
      async () => {
        const keys = (await from.admin.call('cluster', 'getkeysinslot', slot, '1000')) as string[];
        if (keys.length > 0)
          await from.admin.call(
            'migrate',
            ...['127.0.0.1', portOf(to.server), '', '0', '5000', 'AUTH', 'hush', 'KEYS', ...keys],
          );
        expect(await from.admin.call('cluster', 'countkeysinslot', slot)).toBe(0);
      },
      { timeout: 20_000, interval: 50 },
    );
    for (const { admin } of [to, from]) await admin.call('cluster', 'setslot', slot, 'node', to.id);
    await untilRun(queues, ran, 2, 20_000);
    await queues.ping();
    expect(await to.admin.keys(`${EXPAND_KEYS}*`)).not.toEqual([]);
  });

  it('is usable with the least rule of docs/operations.md', async () => {
    for (const { admin } of cluster.masters)
      await admin.call(
        'acl',
        ...['setuser', 'caller', 'on', '>secret', '~bull:*', '~{bull:*', '+@all', '-@dangerous', '+info'],
      );
    const queues = await open(cluster.url.replace('//:hush@', '//caller:secret@'));
    const ran = workExpansions(queues);
    await untilRun(queues, ran, 3, 20_000);
    expect(await queues.count('client:a', 1, 1_000)).not.toBeNull();
  });

  it('one address is enough to find the other masters', async () => {
    const queues = await open(cluster.url.replace(/,.*/, ''));
    for (const name of QUEUE_NAMES) await queues.add(name, [{ id: 'one', data: { id: 1 } }]);
    expect(queues.place).toMatch(/^Redis Cluster at 127\.0\.0\.1:\d+$/);
  });

  it.each<[string, () => Promise<string> | string, RegExp]>([
    ['a wrong password', () => cluster.url.replace('hush', 'wrong'), /WRONGPASS/],
    ['no password', () => cluster.url.replace(':hush@', ''), /NOAUTH/],
    ['an address without a server', () => 'redis+cluster://127.0.0.1:1', /ECONNREFUSED/],
    [
      'a single server’s address',
      () => `redis://:hush@127.0.0.1:${portOf(cluster.masters[0]!.server)}`,
      /runs in cluster mode; write redis\+cluster:/,
    ],
  ])('refuses the start with %s, in the words of Redis', async (_what, url, words) => {
    const opening = open(await url());
    await expect(opening).rejects.toThrow(StartError);
    await expect(opening).rejects.toThrow(words);
    await expect(opening).rejects.not.toThrow(/hush/);
  });
});

describe.skipIf(!REDIS_AVAILABLE)('a Redis Cluster that loses a master', { timeout: 150_000 }, () => {
  let cluster: RedisCluster;
  const opened: Queues[] = [];
  const open = async (queueUrl = cluster.url): Promise<Queues> => {
    const queues = await Queues.open({ queueUrl, queuePrefix: 'bull' }, DATABASE, () => undefined);
    opened.push(queues);
    return queues;
  };
  beforeEach(async () => {
    cluster = await startCluster();
  }, 60_000);
  afterEach(async () => {
    for (const queues of opened.splice(0)) await queues.close();
    await cluster.stop();
  });

  it('continues at its replica; without a replica the readiness says so, other queues continue, and a stop ends', async () => {
    const master = await cluster.masterOf(EXPAND_KEYS);
    const elsewhere = await elsewhereThan(EXPAND_KEYS);
    const replica = await cluster.addReplica(master);
    const queues = await open();
    const ran = workExpansions(queues);
    await untilRun(queues, ran, 1, 20_000);
    await master.server.kill();
    await untilRun(queues, ran, 2, 40_000);
    await vi.waitFor(() => queues.ping(), { timeout: 20_000 });
    expect(await replica.admin.info('replication')).toContain('role:master');

    // A cluster that serves the slots that it has.
    for (const { admin } of cluster.masters.filter((each) => each !== master))
      await admin.config('SET', 'cluster-require-full-coverage', 'no');
    await replica.admin.config('SET', 'cluster-require-full-coverage', 'no');
    const served: number[] = [];
    queues.work(elsewhere, 1, ({ id }) => Promise.resolve(void served.push(id)));
    await replica.server.kill();
    await vi.waitFor(() => expect(queues.ping()).rejects.toThrow(/./), { timeout: 20_000 });
    await vi.waitFor(
      async () => {
        await queues.add(elsewhere, [{ id: 'served', data: { id: 9 } }]);
        expect(served).toContain(9);
      },
      { timeout: 40_000, interval: 200 },
    );
    await expect(queues.add('expand', [{ id: 'lost', data: { id: 1 } }])).rejects.toThrow(/./);
    const opening = open();
    await expect(opening).rejects.toThrow(StartError);
    await expect(opening).rejects.toThrow(/^The queue cannot be used \(Redis Cluster at /);
    await queues.close();
  });

  const elsewhereThan = async (key: string) => {
    const taken = await cluster.masterOf(key);
    for (const name of QUEUE_NAMES) if ((await cluster.masterOf(`{bull:${name}}`)) !== taken) return name;
    throw new Error('all queues are on one master');
  };
});

describe.skipIf(!REDIS_AVAILABLE)('a single Redis', () => {
  it('is refused by name if it was given as a cluster', async () => {
    const redis = await startRedis();
    const opening = Queues.open(
      { queueUrl: `redis+cluster://127.0.0.1:${portOf(redis)}`, queuePrefix: 'bull' },
      DATABASE,
      () => undefined,
    );
    await expect(opening).rejects.toThrow(/does not run in cluster mode; write redis:\/\//);
    await redis.stop();
  });
});
