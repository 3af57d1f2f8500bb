import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Api } from '../harness/api.js';
import { startCarillon } from '../harness/carillon.js';
import type { RunningCarillon } from '../harness/carillon.js';
import { startSimulators } from '../simulators/client.js';
import type { RunningSimulators } from '../simulators/client.js';
import { SERVERS } from './stages.js';

/** What is stopped in mid-broadcast: a process, a message, an application. The worker is another process than the api. */

const DEVICES = 3_000;
const BATCHES_AT_ONCE = 3;

describe.runIf(SERVERS)('stopping in mid-broadcast, on PostgreSQL and Redis', () => {
  let simulators: RunningSimulators;
  let running: RunningCarillon[];
  let environment: Record<string, string>;
  let clean: () => void;
  let api: Api;
  beforeEach(async () => {
    simulators = await startSimulators();
    running = [];
    const prepared = await SERVERS!.prepare();
    clean = prepared.clean;
    environment = {
      ...prepared.environment,
      APNS_URL: simulators.apns.url,
      PROVIDER_CA_FILE: simulators.caPath ?? '',
      WORKER_BATCHES: String(BATCHES_AT_ONCE),
    };
    const { url } = await start('api,scheduler');
    await Api.connect(url).then((admin) => admin.call('POST', '/apps', { applicationId: 'com.acme.bank' }));
    api = await prepareApplication(url, 'com.acme.bank', DEVICES);
  });
  afterEach(async () => {
    await Promise.all(running.map((carillon) => carillon.stop()));
    await simulators.stop();
    clean();
  });

  const start = async (roles: string): Promise<RunningCarillon> => {
    const carillon = await startCarillon({ ...environment, ROLES: roles });
    running.push(carillon);
    return carillon;
  };
  const prepareApplication = async (url: string, applicationId: string, devices: number): Promise<Api> => {
    const application = await Api.connect(url, applicationId);
    const { key, keyId, teamId, bundleId } = simulators.credentials.apns;
    const settings = await application.app('PUT', '/settings/apnsConf', { key, keyId, teamId, bundleId });
    expect(settings.status).toBe(200);
    await application.registerDevices(
      Array.from({ length: devices }, (_, index) => ({
        deviceId: `device-${index}`,
        platform: 'A',
        token: randomBytes(32).toString('hex'),
        userId: `user-${index}`,
      })),
    );
    return application;
  };
  const broadcastUntilMiddle = async (): Promise<string> => {
    await simulators.admin.changeSettings({ apns: { latencyMs: 400, streams: 50 } });
    const messageId = await api.send({ message: { alert: 'To all' } });
    await api.waitFor(messageId, ({ outcomes }) => (outcomes.accepted ?? 0) > 0 && (outcomes.inFlight ?? 0) > 0);
    return messageId;
  };
  const received = async (messageId: string): Promise<number> =>
    (await simulators.admin.ledger('apns', messageId)).accepted;
  /** A message of another application, sent and accepted: what was to be written before it would have been. */
  const passTime = async (): Promise<void> => {
    const other = await Api.connect(running[0]!.url);
    await other.call('POST', '/apps', { applicationId: 'com.acme.other' });
    const neighbour = await prepareApplication(running[0]!.url, 'com.acme.other', 1);
    await neighbour.waitFor(await neighbour.send({ message: { alert: 'Later' } }));
  };

  it('SIGTERM at a provider that answers in 1.5 s: exit 0, and nothing is sent twice', async () => {
    await simulators.admin.changeSettings({ apns: { latencyMs: 1_500, latencySigma: 0.05, streams: 10 } });
    const worker = await start('worker');
    const users = Array.from({ length: 200 }, (_, index) => `user-${index}`);
    const direct = await Promise.all(
      users.map((userId) => api.send({ message: { alert: 'Code' }, target: { userIds: [userId] } })),
    );
    const broadcast = await api.send({ message: { alert: 'To all' } });
    await api.waitFor(broadcast, ({ outcomes }) => (outcomes.inFlight ?? 0) > 0);
    await expect.poll(() => received(direct[0]!), { timeout: 20_000 }).toBe(1);
    const { code } = await worker.stop();
    expect(code).toBe(0);
    // What was on the wire has its answer, and the rest was taken back.
    expect((await api.message(broadcast)).outcomes).toMatchObject({ inFlight: 0, unknown: 0 });

    await simulators.admin.changeSettings({ apns: { latencyMs: 0 } });
    await start('worker');
    for (const messageId of [broadcast, ...direct]) {
      const report = await api.waitFor(messageId);
      expect(report.outcomes.accepted).toBe(report.audience);
      expect(await simulators.admin.ledger('apns', messageId)).toMatchObject({
        accepted: report.audience,
        distinct: report.audience,
        repeats: 0,
      });
    }
  });

  it('a cancelled message: when the answer comes all has arrived that ever will, and the counts say how many', async () => {
    await start('worker');
    const messageId = await broadcastUntilMiddle();
    const { status, body } = await api.app('DELETE', `/messages/${messageId}?counts=true`);
    const arrived = await received(messageId);
    expect([status, body]).toEqual([200, { stopped: DEVICES - arrived, gone: arrived, unknown: 0, final: true }]);
    expect(arrived).toBeLessThan(DEVICES);
    await passTime();
    expect(await received(messageId)).toBe(arrived);
    expect((await api.waitFor(messageId, (report) => 'finishedTime' in report)).outcomes).toMatchObject({
      accepted: arrived,
      cancelled: DEVICES - arrived,
    });
  });

  it('a paused message: when the answer comes all has arrived until it is resumed, which sends the rest once', async () => {
    await start('worker');
    const messageId = await broadcastUntilMiddle();
    expect((await api.app('POST', `/messages/${messageId}/pause`)).status).toBe(204);
    const arrived = await received(messageId);
    await passTime();
    expect(await received(messageId)).toBe(arrived);
    await simulators.admin.changeSettings({ apns: { latencyMs: 0 } });
    await api.app('POST', `/messages/${messageId}/resume`);
    await api.waitFor(messageId);
    expect(await simulators.admin.ledger('apns', messageId)).toMatchObject({ distinct: DEVICES, repeats: 0 });
  });

  it('a removed application: when the answer comes all has arrived that ever will', async () => {
    await start('worker');
    const messageId = await broadcastUntilMiddle();
    expect((await api.call('DELETE', '/apps/com.acme.bank')).status).toBe(204);
    const arrived = await received(messageId);
    expect(arrived).toBeLessThan(DEVICES);
    await passTime();
    expect(await received(messageId)).toBe(arrived);
  });
});
