import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Admin } from '../harness/admin.js';
import { Api, requestToken } from '../harness/api.js';
import { Deployment } from '../harness/deployment.js';
import { SERVERS } from './stages.js';

/** Stops during a broadcast: of a process, a message, an application. The worker and the api are separate processes. */

const DEVICES = 3_000;

describe.runIf(SERVERS)('stops during a broadcast, on PostgreSQL and Redis', () => {
  let deployment: Deployment;
  let api: Api;
  beforeEach(async () => {
    deployment = await Deployment.start(SERVERS!, DEVICES);
    api = deployment.api;
  });
  afterEach(() => deployment.stop());

  /** Sends a message of another application until it is accepted: earlier messages would have been written by then. */
  const passTime = async (): Promise<void> => {
    const neighbour = await deployment.addApplication('com.acme.other', 1);
    await neighbour.waitFor(await neighbour.send({ message: { alert: 'Later' } }));
  };

  it('SIGTERM while a provider answers in 1.5 s: exit 0, and nothing is sent twice', async () => {
    await deployment.simulators.admin.changeSettings({ apns: { latencyMs: 1_500, latencySigma: 0.05, streams: 10 } });
    const worker = await deployment.startProcess('worker');
    const users = Array.from({ length: 200 }, (_, index) => `user-${index}`);
    const direct = await Promise.all(
      users.map((userId) => api.send({ message: { alert: 'Code' }, target: { userIds: [userId] } })),
    );
    const broadcast = await api.send({ message: { alert: 'To all' } });
    await api.waitFor(broadcast, ({ outcomes }) => (outcomes.inFlight ?? 0) > 0);
    await expect.poll(() => deployment.received(direct[0]!), { timeout: 20_000 }).toBe(1);
    const { code } = await worker.stop();
    expect(code).toBe(0);
    // Requests in flight got their answer, and the rest was recalled.
    expect((await api.message(broadcast)).outcomes).toMatchObject({ inFlight: 0, unknown: 0 });

    await deployment.simulators.admin.changeSettings({ apns: { latencyMs: 0 } });
    await deployment.startProcess('worker');
    for (const messageId of [broadcast, ...direct]) {
      const report = await api.waitFor(messageId);
      expect(report.outcomes.accepted).toBe(report.audience);
      expect(await deployment.simulators.admin.ledger('apns', messageId)).toMatchObject({
        accepted: report.audience,
        distinct: report.audience,
        repeats: 0,
      });
    }
  });

  it('a cancelled message: after the answer nothing more arrives, and the counts report the deliveries', async () => {
    await deployment.startProcess('worker');
    const messageId = await deployment.broadcastUntilMiddle();
    const { status, body } = await api.app('DELETE', `/messages/${messageId}?counts=true`);
    const arrived = await deployment.received(messageId);
    expect([status, body]).toEqual([200, { stopped: DEVICES - arrived, gone: arrived, unknown: 0, final: true }]);
    expect(arrived).toBeLessThan(DEVICES);
    await passTime();
    expect(await deployment.received(messageId)).toBe(arrived);
    expect((await api.waitFor(messageId, (report) => 'finishedTime' in report)).outcomes).toMatchObject({
      accepted: arrived,
      cancelled: DEVICES - arrived,
    });
  });

  it('a paused message: after the answer nothing more arrives until the resume, which sends the rest once', async () => {
    await deployment.startProcess('worker');
    const messageId = await deployment.broadcastUntilMiddle();
    expect((await api.app('POST', `/messages/${messageId}/pause`)).status).toBe(204);
    const arrived = await deployment.received(messageId);
    await passTime();
    expect(await deployment.received(messageId)).toBe(arrived);
    await deployment.simulators.admin.changeSettings({ apns: { latencyMs: 0 } });
    await api.app('POST', `/messages/${messageId}/resume`);
    await api.waitFor(messageId);
    expect(await deployment.simulators.admin.ledger('apns', messageId)).toMatchObject({
      distinct: DEVICES,
      repeats: 0,
    });
  });

  it('a removed application: after the answer nothing more arrives', async () => {
    await deployment.startProcess('worker');
    const messageId = await deployment.broadcastUntilMiddle();
    expect((await api.call('DELETE', '/apps/com.acme.bank?devices=delete')).status).toBe(204);
    const arrived = await deployment.received(messageId);
    expect(arrived).toBeLessThan(DEVICES);
    await passTime();
    expect(await deployment.received(messageId)).toBe(arrived);
  });

  it('a message that must not go out: stop, look, cancel, disable its client, lift the stop; nothing more arrives', async () => {
    await deployment.startProcess('worker');
    const { url, applicationId } = api;
    const admin = new Admin(url);
    const token = await requestToken(url, { id: 'rogue', secret: await admin.addClient('rogue', '*'), scope: '*' });
    const rogue = new Api(url, ((await token.json()) as { access_token: string }).access_token, applicationId);
    await deployment.simulators.admin.changeSettings({ apns: { latencyMs: 400, streams: 50 } });
    const messageId = await rogue.send({ message: { alert: 'Free money' } });
    await api.waitFor(messageId, ({ outcomes }) => (outcomes.accepted ?? 0) > 0);

    expect((await api.call('POST', `/apps/${applicationId}/stop`)).status).toBe(200);
    const { body } = await api.app<{ messages: { messageId: string; clientId: string }[] }>('GET', '/messages');
    const { clientId } = body.messages.find((each) => each.messageId === messageId)!;
    expect(clientId).toBe('rogue');
    expect((await api.app('DELETE', `/messages/${messageId}`)).status).toBe(204);
    expect((await admin.call('PATCH', `/confidentialclients/${clientId}`, { enabled: false })).status).toBe(200);
    const arrived = await deployment.received(messageId);
    expect((await api.call('DELETE', `/apps/${applicationId}/stop`)).status).toBe(200);
    expect((await rogue.app('POST', '/messages', { message: { alert: 'More' } })).status).toBe(401);
    await passTime();
    expect(await deployment.received(messageId)).toBe(arrived);
    expect(arrived).toBeLessThan(DEVICES);
  });

  it('a stopped application: nothing is written until the stop is lifted, also after a restart, and then the rest once', async () => {
    const worker = await deployment.startProcess('worker');
    const messageId = await deployment.broadcastUntilMiddle();
    const campaign = await api.app<{ campaignId: string }>('POST', '/campaigns', {
      name: 'News',
      content: { message: { alert: 'News' } },
      schedule: { cron: '0 9 * * MON' },
    });
    const stopped = await api.call<{ stopped?: { since: string; by: string } }>('POST', '/apps/com.acme.bank/stop');
    const arrived = await deployment.received(messageId);
    expect([stopped.status, stopped.body.stopped?.by]).toEqual([200, 'test']);
    expect(arrived).toBeLessThan(DEVICES);
    const refused = await api.app<{ code: string; message: string }>('POST', '/messages', { message: { alert: 'No' } });
    expect([refused.status, refused.body.code]).toEqual([409, 'CARIL0409E']);
    expect(refused.body.message).toContain('stopped at');
    expect(campaign.status).toBe(201);
    expect((await api.app('POST', `/campaigns/${campaign.body.campaignId}/run`)).status).toBe(409);
    await worker.stop();
    await deployment.startProcess('worker');
    await passTime();
    expect(await deployment.received(messageId)).toBe(arrived);
    expect((await api.app('GET', '')).body).toMatchObject({ enabled: 'true', stopped: stopped.body.stopped });
    expect((await api.message(messageId)).state).toBe('paused');

    await deployment.simulators.admin.changeSettings({ apns: { latencyMs: 0 } });
    const lifted = await api.call('DELETE', '/apps/com.acme.bank/stop');
    expect([lifted.status, lifted.body]).toEqual([200, { applicationId: 'com.acme.bank', enabled: 'true' }]);
    await api.waitFor(messageId);
    expect(await deployment.simulators.admin.ledger('apns', messageId)).toMatchObject({
      distinct: DEVICES,
      repeats: 0,
    });
  });
});
