import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { expect, it } from 'vitest';
import { Api } from '../harness/api.js';
import { Deployment } from '../harness/deployment.js';
import { findBinary } from '../harness/programs.js';
import { startPrometheus } from '../harness/prometheus.js';
import { createDatabase, freePort, startPostgres } from '../harness/servers.js';
import { startRedis } from '../medium/queue/redis-server.js';

/**
 * A Prometheus scrapes the running program, and each alert fires by its fault. Times that are long stand in
 * deploy/prometheus/rules.test.yml; here a row is made old.
 */
const PROGRAMS = ['prometheus', 'redis-server'];
const [BANK, GONE] = ['com.acme.bank', 'com.acme.gone'];

/** The process has no processor for most of the time, as on a machine with too little of it. Returns the end. */
function starve({ pid }: { pid: number }): () => void {
  const timer = setInterval(() => {
    process.kill(pid, 'SIGSTOP');
    setTimeout(() => process.kill(pid, 'SIGCONT'), 300);
  }, 450);
  return () => clearInterval(timer);
}

it.skipIf(PROGRAMS.some((name) => findBinary(name) === null))(
  'each alert fires by its fault, and ends with it',
  async () => {
    const [postgres, redis] = [await startPostgres(), await startRedis()];
    const databaseUrl = await createDatabase(postgres.url);
    const environment = {
      DATABASE_URL: databaseUrl,
      QUEUE_URL: redis.url,
      MASTER_KEY: randomBytes(32).toString('base64'),
    };
    const place = { prepare: () => Promise.resolve({ environment, clean: () => undefined }) };
    const ports = { api: await freePort(), worker: await freePort() };
    const deployment = await Deployment.start(place, 2, { ROLES: 'api', METRICS_PORT: String(ports.api) });
    const prometheus = await startPrometheus(Object.values(ports).map((port) => `http://127.0.0.1:${port}`));
    const database = new pg.Client({ connectionString: databaseUrl });
    await database.connect();
    database.on('error', () => undefined);
    const { api } = deployment;
    let feed = (): void => undefined;
    const without = () => fetch(`${api.url}/imfpush/v1/stats`).catch(() => null);
    try {
      await without();
      await prometheus.untilTrue('carillon_auth_failures_total', 20_000);
      expect(await prometheus.firing()).toEqual([]);

      // No worker and no scheduler, with work for both that is late.
      const waiting = await api.send({ message: { alert: 'x' }, target: { deviceIds: ['device-0'] } });
      const gone = await deployment.addApplication(GONE, 1);
      await api.app('POST', '/webhooks', {
        name: 'crm',
        url: 'https://hooks.example/',
        eventTypes: 'onDeviceRegister',
      });
      await api.registerDevices([{ deviceId: 'late', platform: 'A', token: randomBytes(32).toString('hex') }]);
      await database.query(`update batch set due_at = now() - interval '10 minutes'`);
      await database.query(`update webhook_event set created_at = now() - interval '2 hours'`);
      await database.query(
        `insert into campaign (application_id, id, client_id, name, definition, state, created_at, updated_at, due_at)
         values ($1, 'c', 'test', 'c', '{}', 'active', now(), now(), now() - interval '5 minutes')`,
        [BANK],
      );
      await database.query(`update audit_outbox set receiver = 'syslog'`);
      await database.query(`update audit_event set at = at - interval '1 hour'`);
      // As a certificate leaves it; one application is paused besides.
      await database.query(
        `update provider_setting set visible = visible || jsonb_build_object('validUntil', $1::text)`,
        [new Date(Date.now() + 10 * 86_400_000).toISOString()],
      );
      await database.query(
        `update provider_setting set paused_reason = 'ExpiredProviderToken', paused_at = now()
         where application_id = $1`,
        [GONE],
      );
      for (let time = 0; time < 150; time++) await without();
      const ofGone = ['CarillonProviderPaused', 'CarillonCredentialEnds'].map((alert) => `${alert} ${GONE}`);
      const none = ['CarillonNoWorker', 'CarillonNoScheduler', 'CarillonAuditBehind'];
      const late = [...none, `CarillonOldestPending ${BANK}`, 'CarillonFiringLag'];
      await prometheus.untilFiring(
        [
          ...late,
          ...[`CarillonWebhookOldest ${BANK}`, `CarillonCredentialEnds ${BANK}`, 'CarillonAuthFailures'],
          ...ofGone,
        ],
        60_000,
      );
      await database.query('delete from campaign');
      const worker = await deployment.startProcess('worker', { METRICS_PORT: String(ports.worker) });
      await deployment.startProcess('scheduler');
      expect((await gone.app('DELETE', '/settings/apnsConf')).status).toBe(204);
      await prometheus.untilOver([...late, ...ofGone], 60_000);
      await api.waitFor(waiting);

      // Credentials that the provider refuses.
      const { key, keyId, teamId, bundleId } = deployment.simulators.credentials.apns;
      await api.app('PUT', '/settings/apnsConf', { key, keyId: 'WRONG12345', teamId, bundleId });
      const refused = await api.send({ message: { alert: 'x' }, target: { deviceIds: ['device-1'] } });
      await prometheus.untilFiring([`CarillonProviderPaused ${BANK}`], 60_000);
      await api.app('PUT', '/settings/apnsConf', { key, keyId, teamId, bundleId });
      // The new settings have no end.
      await prometheus.untilOver([`CarillonProviderPaused ${BANK}`, `CarillonCredentialEnds ${BANK}`], 60_000);
      await api.waitFor(refused);

      const bad = await Api.connect(api.url, 'com.acme.bad');
      await bad.call('POST', '/apps', { applicationId: bad.applicationId });
      const rejected = (index: number) => ({
        deviceId: `d${index}`,
        platform: 'A',
        token: `sandbox:rejected:${index}`,
      });
      await bad.registerDevices(Array.from({ length: 40 }, (_, index) => rejected(index)));
      const send = async () =>
        bad.waitFor(await bad.send({ message: { alert: 'x' } }), ({ state }) => state === 'finished');
      await send();
      await prometheus.untilTrue('carillon_deliveries_total{app="com.acme.bad"}', 20_000);
      await send();
      await prometheus.untilFiring(['CarillonBadOutcomes com.acme.bad'], 60_000);

      await redis.kill();
      await prometheus.untilFiring(['CarillonQueueDown'], 90_000);

      await postgres.stop();
      feed = starve(worker);
      const asking = setInterval(() => void api.app('GET', '/messages').catch(() => null), 200);
      await prometheus.untilFiring(['CarillonServerErrors', 'CarillonFiguresStale', 'CarillonEventLoopLag'], 240_000);
      clearInterval(asking);
    } finally {
      feed();
      await prometheus.stop();
      await database.end().catch(() => undefined);
      await deployment.stop();
      await redis.stop();
      await postgres.stop().catch(() => undefined);
    }
  },
  600_000,
);
