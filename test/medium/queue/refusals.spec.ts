import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { StartError } from '../../../src/common/start-error.js';
import type { Database } from '../../../src/database/database.js';
import { Queues } from '../../../src/queue/queue.js';
import { startSilentProxy } from '../../harness/silent-proxy.js';
import { REDIS_AVAILABLE, startRedis } from './redis-server.js';
import type { RedisServer } from './redis-server.js';
import { untilRun, workExpansions } from './jobs-run.js';

const DATABASE = { epoch: 'test' } as Database;

describe.skipIf(!REDIS_AVAILABLE)('an unusable Redis', () => {
  const servers: RedisServer[] = [];
  const opened: Queues[] = [];
  let redis: RedisServer;
  let admin: Redis;
  const start = async (flags: readonly string[] = []): Promise<RedisServer> => {
    const server = await startRedis(flags);
    servers.push(server);
    return server;
  };
  beforeEach(async () => {
    redis = await start();
    admin = new Redis(redis.url);
  });
  afterEach(async () => {
    for (const queues of opened.splice(0)) await queues.close();
    admin.disconnect();
    for (const server of servers.splice(0)) await server.stop();
  });

  const open = async (queueUrl: string, report: (error: Error) => void = () => undefined): Promise<Queues> => {
    const queues = await Queues.open({ queueUrl, queuePrefix: 'bull' }, DATABASE, report);
    opened.push(queues);
    return queues;
  };
  const expectRefusal = async (url: string, message: RegExp): Promise<void> => {
    const opening = open(url);
    await expect(opening).rejects.toThrow(StartError);
    await expect(opening).rejects.toThrow(message);
  };
  const asUser = async (rules: string): Promise<string> => {
    await admin.call('acl', 'setuser', 'caller', 'on', '>hush', ...rules.split(' '));
    return redis.url.replace('redis://', 'redis://caller:hush@');
  };

  it('refuses the start if it lacks the database number, in its words', () =>
    expectRefusal(`${redis.url}/16`, /^The queue cannot be used \(Redis at .*\/16\): ERR DB index is out of range$/));

  it.each([
    ['SELECT', '~* +@all -select', '/3', /NOPERM.*select/i],
    ['INFO', '~bull:* +@all -@dangerous', '', /NOPERM.*info/i],
    ['scripts', '~* +@all -eval', '', /NOPERM.*eval/i],
    ['our keys', '~other:* +@all', '', /NOPERM.*key/i],
  ])('refuses the start for a user without %s, in its words', async (_what, rules, path, words) => {
    await expectRefusal(`${await asUser(rules)}${path}`, words);
  });

  it('a user with the least rule of docs/operations.md is enough', async () => {
    const queues = await open(await asUser('~bull:* +@all -@dangerous +info'));
    const ran: number[] = [];
    queues.work('expand', 1, ({ id }) => {
      ran.push(id);
      return Promise.resolve();
    });
    await queues.add('expand', [{ id: 'one', data: { id: 1 } }]);
    await vi.waitFor(() => expect(ran).toEqual([1]), { timeout: 10_000 });
  });

  it('refuses the start for a replica, by name', async () => {
    const { port } = new URL(redis.url);
    const replica = await start(['--replicaof', '127.0.0.1', port]);
    await expectRefusal(replica.url, /is a read-only replica; give its master’s address/);
  });

  it('refuses the start for a cluster, by name', async () => {
    const cluster = await start(['--cluster-enabled', 'yes']);
    await expectRefusal(cluster.url, /runs in cluster mode; write redis\+cluster:\/\//);
  });

  it('refuses the start if it accepts no further connection, in its words', async () => {
    await admin.config('SET', 'maxclients', '1');
    await expectRefusal(redis.url, /^The queue cannot be reached \(Redis at .*\): ERR max number of clients reached$/);
  });

  it('refuses the start if it is full, in its words', async () => {
    await admin.config('SET', 'maxmemory', '1');
    await expectRefusal(redis.url, /OOM command not allowed/);
  });

  describe('while running', () => {
    const runs = (queues: Queues, ran: number[], id: number): Promise<void> => untilRun(queues, ran, id, 25_000);
    /** Fails if timers of Node's loop are delayed or a core is used up. */
    const expectRest = async (): Promise<void> => {
      const before = process.cpuUsage();
      const begun = performance.now();
      await new Promise((resolve) => setTimeout(resolve, 2_000));
      const { user, system } = process.cpuUsage(before);
      expect((user + system) / 1_000 / (performance.now() - begun)).toBeLessThan(0.5);
    };

    it.each<[string, () => Promise<unknown>, () => Promise<unknown>]>([
      ['is full', () => admin.config('SET', 'maxmemory', '1'), () => admin.config('SET', 'maxmemory', '0')],
      ['is demoted', () => admin.replicaof('127.0.0.1', '1'), () => admin.replicaof('NO', 'ONE')],
    ])(
      'if it %s, a ping notices, the process uses no core, and it continues by itself',
      { timeout: 60_000 },
      async (_what, harm, heal) => {
        const queues = await open(redis.url);
        const ran = workExpansions(queues);
        await runs(queues, ran, 1);
        await harm();
        await vi.waitFor(() => expect(queues.ping()).rejects.toThrow(/OOM|READONLY|writeable/), { timeout: 10_000 });
        await expectRest();
        await heal();
        await vi.waitFor(() => queues.ping(), { timeout: 10_000 });
        await runs(queues, ran, 2);
      },
    );

    it(
      'if its address leads to a new master, and open connections to the demoted one, it changes over',
      { timeout: 60_000 },
      async () => {
        const successor = await start();
        const proxy = await startSilentProxy(redis.url);
        try {
          const queues = await open(proxy.through(redis.url));
          const ran = workExpansions(queues);
          await runs(queues, ran, 1);
          proxy.lead(successor.url);
          await admin.replicaof('127.0.0.1', new URL(successor.url).port);
          await runs(queues, ran, 2);
          await expect(queues.ping()).resolves.toBeUndefined();
        } finally {
          await proxy.stop();
        }
      },
    );

    it.each<[string, RegExp, readonly string[], readonly string[], () => unknown]>([
      ['loses its rights', /NOPERM/, ['-evalsha', '-eval'], ['+evalsha', '+eval'], () => undefined],
      // Open connections keep what they signed in with.
      [
        'gets another password',
        /writeable|WRONGPASS|NOAUTH/,
        ['<hush', '>other'],
        ['<other', '>hush'],
        () => admin.call('client', 'kill', 'user', 'caller'),
      ],
    ])(
      'if a user %s, the process uses no core, and the worker continues when that is taken back',
      { timeout: 60_000 },
      async (_what, says, harm, heal, breakOff) => {
        const queues = await open(await asUser('~bull:* +@all -@dangerous +info'));
        const ran = workExpansions(queues);
        await runs(queues, ran, 1);
        await admin.call('acl', 'setuser', 'caller', ...harm);
        await breakOff();
        await vi.waitFor(() => expect(queues.ping()).rejects.toThrow(says), { timeout: 10_000 });
        await expectRest();
        await expect(queues.ping()).rejects.toThrow(says);
        await admin.call('acl', 'setuser', 'caller', ...heal);
        await runs(queues, ran, 2);
      },
    );
  });
});
