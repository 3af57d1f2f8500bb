import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api } from '../harness/api.js';
import { startCarillon } from '../harness/carillon.js';
import type { RunningCarillon } from '../harness/carillon.js';
import { SERVERS } from './stages.js';

/**
 * Administration of the database while callers send: each statement takes locks that statements of the program wait
 * for.
 */
describe.skipIf(!SERVERS)('while callers send, the administrator of the database may', () => {
  let carillon: RunningCarillon;
  let api: Api;
  let admin: pg.Client;
  beforeAll(async () => {
    const { environment } = await SERVERS!.prepare();
    carillon = await startCarillon(environment);
    api = await Api.connect(carillon.url);
    await api.registerDevices([{ deviceId: 'ann', platform: 'A', token: 'sandbox:accepted:ann', userId: 'ann' }]);
    admin = new pg.Client({ connectionString: environment.DATABASE_URL });
    await admin.connect();
  });
  afterAll(async () => {
    await admin.end();
    await carillon.stop();
  });

  it.each<[string, readonly string[]]>([
    [
      'rewrite, reindex and index the tables',
      [
        ...['message', 'batch', 'device', 'subscription'].map((table) => `vacuum full ${table}`),
        ...['message', 'batch', 'device', 'subscription'].map((table) => `reindex table ${table}`),
        'create index concurrently own_of_a_person on message (state)',
        'drop index concurrently own_of_a_person',
      ],
    ],
    ['lock a table for a moment', ['begin; lock table message, batch; select pg_sleep(2); commit']],
  ])('%s: no caller gets an error and no message is lost', async (_what, statements) => {
    let isDone = false;
    const sent: string[] = [];
    const statuses = new Set<number>();
    const call = async (): Promise<void> => {
      while (!isDone) {
        const { status, body } = await api.app<{ messageId: string }>('POST', '/messages', {
          message: { alert: 'hello' },
          target: { userIds: ['ann'] },
        });
        statuses.add(status);
        if (status === 202) sent.push(body.messageId);
      }
    };
    const callers = Array.from({ length: 8 }, call);
    try {
      for (const statement of statements) await admin.query(statement);
    } finally {
      isDone = true;
      await Promise.all(callers);
    }
    expect([...statuses]).toEqual([202]);
    for (const messageId of sent) {
      const { outcomes } = await api.waitFor(messageId, ({ state }) => state === 'finished');
      expect(outcomes.accepted).toBe(1);
    }
  });
});
