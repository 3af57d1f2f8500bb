import pg from 'pg';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { Deployment } from '../harness/deployment.js';
import { SERVERS } from './stages.js';

/** The database takes no writes for longer than a lease (10 s) in mid-broadcast, and no process dies. */

const DEVICES = 3_000;
const AWAY_S = 16;

/** How the database of the program goes away, and comes back, for whoever administers the server. */
const FAULTS = [
  ['away', 'allow_connections false', 'allow_connections true'],
  ['read-only', 'set default_transaction_read_only = on', 'reset default_transaction_read_only'],
] as const;

describe.runIf(SERVERS)('a database that is gone for a while', () => {
  let deployment: Deployment | undefined;
  afterEach(() => deployment?.stop());

  it.each(FAULTS)('%s in mid-broadcast: each device gets the push once', async (_name, goes, returns) => {
    deployment = await Deployment.start(SERVERS!, DEVICES);
    const { api, simulators, environment } = deployment;
    const name = new URL(environment.DATABASE_URL!).pathname.slice(1);
    const server = new pg.Client({ connectionString: inject('postgresUrl')! });
    await server.connect();
    const alter = async (how: string): Promise<void> => {
      await server.query(`alter database "${name}" ${how}`);
      // Sessions that are open do not notice.
      await server.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name]);
    };
    try {
      await deployment.startProcess('worker');
      await deployment.startProcess('worker');
      const messageId = await deployment.broadcastUntilMiddle();
      await alter(goes);
      await server.query(`select pg_sleep(${AWAY_S})`);
      await alter(returns);
      await expect
        .poll(async () => (await api.app('GET', `/messages/${messageId}`)).status, { timeout: 30_000 })
        .toBe(200);
      const report = await api.waitFor(messageId);
      expect(report.outcomes.accepted).toBe(DEVICES);
      expect(await simulators.admin.ledger('apns', messageId)).toMatchObject({
        accepted: DEVICES,
        distinct: DEVICES,
        repeats: 0,
      });
    } finally {
      await server.end();
    }
  });
});
