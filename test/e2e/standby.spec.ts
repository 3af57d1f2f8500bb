import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { Api } from '../harness/api.js';
import { startCarillon } from '../harness/carillon.js';
import type { RunningCarillon } from '../harness/carillon.js';
import { createDatabase, startPostgres } from '../harness/servers.js';
import { startStandby } from '../harness/standby.js';

/** Reports and lists of the built program on a standby that is stopped in its replay. */

const AS_OF = 'carillon-read-as-of';

describe.skipIf(inject('postgresUrl') === null)('with DATABASE_READ_URL', () => {
  let carillon: RunningCarillon;
  let api: Api;
  let standby: pg.Client;
  const cleaning: (() => unknown)[] = [];
  afterAll(async () => {
    for (const clean of cleaning.splice(0).toReversed()) await clean();
  });
  beforeAll(async () => {
    const primary = (await startPostgres())!;
    cleaning.push(() => primary.stop());
    const databaseUrl = await createDatabase(primary.url);
    const server = (await startStandby(primary.url))!;
    cleaning.push(() => server.stop());
    const readUrl = new URL(server.url);
    readUrl.pathname = new URL(databaseUrl).pathname;
    carillon = await startCarillon({
      DATABASE_URL: databaseUrl,
      DATABASE_READ_URL: readUrl.href,
      MASTER_KEY: randomBytes(32).toString('base64'),
    });
    cleaning.push(() => carillon.stop());
    api = await Api.connect(carillon.url);
    standby = new pg.Client(readUrl.href);
    await standby.connect();
    standby.on('error', () => undefined);
    cleaning.push(() => standby.end().catch(() => undefined));
  }, 120_000);

  const LISTS = ['/messages', '/devices', '/tags', '/subscriptions', '/campaigns'];

  it('lists, reports and exports say up to when they are complete; a message that was just sent is found', async () => {
    await api.registerDevices([{ deviceId: 'ann', platform: 'A', token: 'sandbox:accepted:ann', userId: 'ann' }]);
    const first = await api.send({ message: { alert: 'first' }, target: { userIds: ['ann'] } });
    await api.waitFor(first);
    const sentAt = Date.now();
    // Until the standby has all of it.
    await vi.waitFor(
      async () => {
        const { headers } = await api.app('GET', '/messages');
        expect(Date.parse(headers.get(AS_OF) ?? '')).toBeGreaterThan(sentAt);
      },
      { timeout: 30_000, interval: 100 },
    );
    await standby.query('select pg_wal_replay_pause()');
    const second = await api.send({ message: { alert: 'second' }, target: { userIds: ['ann'] } });

    for (const path of LISTS) {
      const { status, headers } = await api.app('GET', path);
      expect([path, status, Number.isNaN(Date.parse(headers.get(AS_OF) ?? ''))]).toEqual([path, 200, false]);
    }
    const listed = async (headers?: Record<string, string>) => {
      const { body } = await api.app<{ messages: { messageId: string }[] }>('GET', '/messages', undefined, headers);
      return body.messages.map(({ messageId }) => messageId);
    };
    expect(await listed()).toEqual([first]);
    expect(await listed({ 'cache-control': 'no-cache' })).toEqual([second, first]);

    // The standby has the first message, and not the second.
    const old = await api.app('GET', `/messages/${first}`);
    expect(old.headers.get(AS_OF)).not.toBeNull();
    const young = await api.app('GET', `/messages/${second}`);
    expect([young.status, young.headers.get(AS_OF)]).toEqual([200, null]);
    expect((await api.app('GET', `/messages/${second}/deliveries`)).status).toBe(200);
    expect((await api.app('GET', '/messages/none')).status).toBe(404);

    // Lines are read after the answer has begun, and on the standby too.
    await api.registerDevices([{ deviceId: 'bob', platform: 'A', token: 'sandbox:accepted:bob' }]);
    const exported = await api.raw('GET', '/devices:export', undefined, { accept: 'application/x-ndjson' });
    expect(exported.headers.get(AS_OF)).not.toBeNull();
    const lines = await exported.text();
    expect(lines).toContain('"ann"');
    expect(lines).not.toContain('"bob"');

    // A caller reads its own changes.
    expect((await api.app('GET', '/devices/bob')).status).toBe(200);
    const own = await api.app<{ subscriptions: unknown[] }>('GET', '/subscriptions?deviceId=bob');
    expect(own.body.subscriptions).toHaveLength(1);
  });

  it('a standby that ends changes nothing but the place: lists are current, the process is ready', async () => {
    await cleaning.splice(1, 1)[0]!();
    await vi.waitFor(
      async () => {
        const { status, headers } = await api.app('GET', '/messages');
        expect([status, headers.get(AS_OF)]).toEqual([200, null]);
      },
      { timeout: 30_000, interval: 100 },
    );
    expect((await fetch(`${carillon.url}/health/ready`)).status).toBe(200);
    expect(carillon.output().match(/the standby cannot be used/g)).toHaveLength(1);
  });
});
