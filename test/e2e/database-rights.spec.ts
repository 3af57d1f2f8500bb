import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { Api } from '../harness/api.js';
import { runCarillon, startCarillon } from '../harness/carillon.js';
import type { RunningCarillon } from '../harness/carillon.js';
import { createDatabase } from '../harness/servers.js';

const serverUrl = inject('postgresUrl');

/** The statements are those of docs/operations.md. */
describe.skipIf(!serverUrl)(
  "tables made by one role and used by another that cannot create any, including the queue's",
  () => {
    let url: string;
    let admin: pg.Client;
    let owner: string;
    let app: string;
    let carillon: RunningCarillon | undefined;
    beforeAll(async () => {
      url = await createDatabase(serverUrl ?? '');
      const name = new URL(url).pathname.slice(1);
      [owner, app] = [`${name}_owner`, `${name}_app`];
      admin = new pg.Client({ connectionString: url });
      await admin.connect();
      await admin.query(`
      create role ${owner} login; create role ${app} login;
      create schema carillon authorization ${owner}; create schema bullmq authorization ${owner};
      alter role ${owner} set search_path = carillon; alter role ${app} set search_path = carillon;
      grant usage on schema carillon to ${app}; grant usage, create on schema bullmq to ${app};
      alter default privileges for role ${owner} grant select, insert, update, delete on tables to ${app};
      alter default privileges for role ${owner} grant usage on sequences to ${app}`);
    });
    afterAll(async () => {
      await carillon?.stop();
      for (const role of [owner, app]) await admin.query(`drop owned by ${role} cascade`);
      await admin.query(`drop role ${owner}; drop role ${app}`);
      await admin.end();
    });

    const as = (role: string): string => {
      const address = new URL(url);
      address.username = role;
      return address.href;
    };

    it('npm run migrate creates them, and the program registers, sends and reports under the other role', async () => {
      const migration = runCarillon({ DATABASE_URL: as(owner) }, [], ['migrate']);
      expect(await migration.exited).toBe(0);
      expect(migration.output()).toMatch(
        /^carillon: the tables are up to date \(PostgreSQL at .*, schema carillon\)\n$/,
      );
      carillon = await startCarillon({ DATABASE_URL: as(app), MASTER_KEY: randomBytes(32).toString('base64') });
      const api = await Api.connect(carillon.url);
      const messageId = await api.send({ message: { alert: 'To all' } });
      const { outcomes } = await api.waitFor(messageId, ({ state }) => state === 'finished');
      expect(outcomes).toMatchObject({ accepted: 5, pending: 0 });
      await api.registerDevices([{ deviceId: 'phone', platform: 'A', token: 'ab'.repeat(32), userId: 'ann' }]);
      expect((await api.app('DELETE', '/devices/phone')).status).toBe(204);
      expect(carillon.output()).not.toMatch(/permission denied|must be owner/);
    });
  },
);
