import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Api, requestToken } from '../harness/api.js';
import type { DeviceBody } from '../harness/api.js';
import { startCarillon } from '../harness/carillon.js';
import type { RunningCarillon } from '../harness/carillon.js';
import { startSimulators } from '../simulators/client.js';
import type { RunningSimulators } from '../simulators/client.js';
import { STAGES } from './stages.js';

/** The first steps with the built program: token, devices, four kinds of message, and every delivery counted. */

const DEVICES = 10_000;
const USERS = 100;

interface ProviderRow {
  provider: string;
  connections: number;
}

function makeDevices(): DeviceBody[] {
  return Array.from({ length: DEVICES }, (_, index) => ({
    deviceId: `device-${index}`,
    platform: index % 2 === 0 ? 'A' : 'G',
    token: index % 2 === 0 ? randomBytes(32).toString('hex') : `fcm-token-${index}`,
    userId: `user-${index % USERS}`,
  }));
}

describe.each(STAGES)('on $name', (stage) => {
  let simulators: RunningSimulators;
  let carillon: RunningCarillon;
  let api: Api;
  let environment: Record<string, string>;
  let clean = (): void => undefined;
  const devices = makeDevices();

  beforeAll(async () => {
    const prepared = await stage.prepare();
    clean = prepared.clean;
    simulators = await startSimulators();
    environment = {
      ...prepared.environment,
      APNS_URL: simulators.apns.url,
      FCM_URL: simulators.fcm.url,
      PROVIDER_CA_FILE: simulators.caPath ?? '',
    };
    carillon = await startCarillon(environment);
    api = await Api.connect(carillon.url);
  });

  afterAll(async () => {
    await carillon?.stop();
    await simulators?.stop();
    clean();
  });

  it('prints where it listens, where its data is, and the first push', () => {
    expect(carillon.output()).toContain(`Carillon listens on ${carillon.url}`);
    expect(carillon.output()).toContain(environment.DATA_DIR ?? 'PostgreSQL at 127.0.0.1');
    expect(carillon.output()).toContain('/mfp/api/az/v1/token');
  });

  it('runs the tutorial’s three steps on the sample application', async () => {
    const scope = 'messages.write messages.read push.application.com.example.app';
    const token = await requestToken(carillon.url, { id: 'test', secret: 'test', scope });
    expect(token.status).toBe(200);
    expect(token.headers.get('cache-control')).toBe('no-store');
    const granted = (await token.json()) as Record<string, unknown>;
    expect(granted).toMatchObject({ token_type: 'Bearer', expires_in: 3600, scope });
    const messages = `${carillon.url}/imfpush/v1/apps/com.example.app/messages`;
    const authorization = `Bearer ${String(granted.access_token)}`;
    // Like curl -d: JSON under a form content type.
    const sent = await fetch(messages, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/x-www-form-urlencoded' },
      body: '{"message":{"alert":"Hello"}}',
    });
    expect(sent.status).toBe(202);
    const { messageId, message } = (await sent.json()) as { messageId: string; message: unknown };
    expect(messageId).toMatch(/^[A-Za-z0-9]{8}$/);
    expect(message).toEqual({ message: { alert: 'Hello' } });
    const report = await api.waitFor(messageId);
    expect(report).toMatchObject({ alert: 'Hello', audience: 5, outcomes: { accepted: 5 } });
  });

  it('accepts provider settings, and never returns a key', async () => {
    const { key, keyId, teamId, bundleId } = simulators.credentials.apns;
    const apns = await api.app('PUT', '/settings/apnsConf', { key, keyId, teamId, bundleId });
    expect(apns.status).toBe(200);
    const fcm = await api.app('PUT', '/settings/fcmConf', { serviceAccount: simulators.credentials.fcm });
    expect(fcm.status).toBe(200);
    for (const conf of ['apnsConf', 'fcmConf']) {
      const read = await api.app('GET', `/settings/${conf}`);
      expect(read.status).toBe(200);
      expect(JSON.stringify(read.body)).not.toContain('PRIVATE KEY');
    }
  });

  it('registers ten thousand devices over HTTP', async () => {
    await api.registerDevices(devices);
    const last = await api.app('GET', `/devices/device-${DEVICES - 1}`);
    expect(last.body).toMatchObject({ deviceId: `device-${DEVICES - 1}`, platform: 'G', userId: 'user-99' });
  });

  it('broadcasts to all of them, each once, and reports it', async () => {
    const messageId = await api.send({ message: { alert: 'To everybody' } });
    const report = await api.waitFor(messageId);
    // The five sandbox devices of the sample application belong to the audience.
    expect(report.audience).toBe(DEVICES + 5);
    expect(report.outcomes.accepted).toBe(DEVICES + 5);
    await expectDelivered(messageId, devices);
  });

  it('reports the state of the application at its providers', async () => {
    const listed = await vi.waitFor(
      async () => {
        const { body } = await api.app<{ providers: ProviderRow[] }>('GET', '/providers');
        expect(body.providers.map(({ provider }) => provider)).toEqual(['apns', 'fcm', 'sandbox']);
        expect(body.providers.slice(0, 2).every(({ connections }) => connections > 0)).toBe(true);
        return body.providers;
      },
      { timeout: 20_000, interval: 200 },
    );
    expect(listed[0]).toMatchObject({ configured: true, processes: 1, lastSuccessTime: expect.any(String) as string });
    expect(listed[0]).not.toHaveProperty('pausedReason');
  });

  it('pauses at a provider that refuses the key, keeps every device, and continues with the right key', async () => {
    const { keyId, teamId, bundleId, key } = simulators.credentials.apns;
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const wrong = privateKey.export({ type: 'pkcs8', format: 'pem' });
    await api.app('PUT', '/settings/apnsConf', { key: wrong, keyId, teamId, bundleId });
    const messageId = await api.send({ message: { alert: 'Who?' }, target: { platforms: ['A'] } });
    const paused = await api.waitFor(messageId, ({ state }) => state === 'paused');
    // Only the sandbox device of this platform in the sample application has it; no other device lost or got anything.
    expect(paused.outcomes).toMatchObject({ accepted: 1, pending: DEVICES / 2, rejected: 0, failed: 0 });
    expect((await api.app('GET', '/settings/apnsConf')).body.pausedReason).toBe('InvalidProviderToken');
    await api.app('PUT', '/settings/apnsConf', { key, keyId, teamId, bundleId });
    const report = await api.waitFor(messageId);
    expect(report.outcomes.accepted).toBe(DEVICES / 2 + 1);
    await expectDelivered(
      messageId,
      devices.filter(({ platform }) => platform === 'A'),
    );
  });

  it('sends to a tag, to users and to device ids, each device once', async () => {
    await api.app('POST', '/tags', { name: 'sport', description: 'Results' });
    const fans = devices.slice(0, 40);
    for (const { deviceId } of fans) await api.app('POST', '/subscriptions', { deviceId, tagName: 'sport' });
    const toTag = await api.send({ message: { alert: 'Goal' }, target: { tagNames: ['sport', 'news'] } });
    await api.waitFor(toTag);
    await expectDelivered(toTag, fans);

    const toUsers = await api.send({ message: { alert: 'You' }, target: { userIds: ['user-1', 'user-2'] } });
    await api.waitFor(toUsers);
    await expectDelivered(
      toUsers,
      devices.filter(({ userId }) => userId === 'user-1' || userId === 'user-2'),
    );

    const toDevices = await api.send({
      message: { alert: 'It' },
      target: { deviceIds: ['device-7', 'device-8', 'device-8'] },
    });
    expect(await api.waitFor(toDevices)).toMatchObject({ audience: 2, outcomes: { accepted: 2 } });
    await expectDelivered(toDevices, [devices[7]!, devices[8]!]);

    const toPlatform = await api.send({
      message: { alert: 'Apples' },
      target: { userIds: ['user-3', 'user-4'], platforms: ['A'] },
    });
    await api.waitFor(toPlatform);
    await expectDelivered(
      toPlatform,
      devices.filter(({ userId, platform }) => platform === 'A' && (userId === 'user-3' || userId === 'user-4')),
    );
  });

  it('sends once under one Idempotency-Key', async () => {
    const body = { message: { alert: 'Once' }, target: { deviceIds: ['device-1'] } };
    const key = { 'idempotency-key': 'order-4711' };
    const [first, second] = await Promise.all([api.send(body, key), api.send(body, key)]);
    expect(second).toBe(first);
    const again = await api.app<{ messageId: string }>('POST', '/messages', body, key);
    expect(again.body.messageId).toBe(first);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    await api.waitFor(first);
    await expectDelivered(first, [devices[1]!]);
  });

  it('retires a device whose token died, and reactivates it when it registers again', async () => {
    const target = { deviceIds: ['device-11'] };
    await simulators.admin.killTokens('fcm', [devices[11]!.token]);
    const gone = await api.waitFor(await api.send({ message: { alert: 'Gone?' }, target }));
    expect(gone.outcomes.rejected).toBe(1);
    const skipped = await api.message(await api.send({ message: { alert: 'Still?' }, target }));
    expect(skipped).toMatchObject({ audience: 0, state: 'finished' });
    await api.registerDevices([{ ...devices[11]!, token: 'fcm-token-new' }]);
    const back = await api.waitFor(await api.send({ message: { alert: 'Back' }, target }));
    expect(back.outcomes.accepted).toBe(1);
  });

  it('cancels the unsent deliveries', async () => {
    await simulators.admin.changeSettings({ apns: { latencyMs: 300 }, fcm: { latencyMs: 300 } } as never);
    const messageId = await api.send({ message: { alert: 'Stop' } });
    await api.waitFor(messageId, ({ state }) => state === 'sending');
    expect((await api.app('DELETE', `/messages/${messageId}`)).status).toBe(204);
    const report = await api.waitFor(
      messageId,
      ({ state, outcomes }) => state === 'cancelled' && outcomes.pending === 0 && outcomes.inFlight === 0,
    );
    expect(report.outcomes.cancelled).toBeGreaterThan(0);
    expect((report.outcomes.cancelled ?? 0) + (report.outcomes.accepted ?? 0)).toBe(report.audience);
    await simulators.admin.reset();
  });

  it('stops within ten seconds, and the next start finds every device and message', async () => {
    const before = await api.send({ message: { alert: 'Before' }, target: { deviceIds: ['device-2'] } });
    await api.waitFor(before);
    const { code, ms } = await carillon.stop();
    expect(code).toBe(0);
    expect(ms).toBeLessThan(10_000);
    carillon = await startCarillon(environment);
    api = await Api.connect(carillon.url);
    expect(await api.message(before)).toMatchObject({ state: 'finished', outcomes: { accepted: 1 } });
    const after = await api.send({ message: { alert: 'After' } });
    expect((await api.waitFor(after)).audience).toBe(DEVICES + 5);
  });

  /** The simulators' ledgers contain exactly these devices for the message, once each. */
  async function expectDelivered(messageId: string, expected: readonly DeviceBody[]): Promise<void> {
    const [apns, fcm] = await Promise.all([
      simulators.admin.ledgerTokens('apns', messageId),
      simulators.admin.ledgerTokens('fcm', messageId),
    ]);
    const delivered = [...apns, ...fcm];
    expect(delivered.filter(({ count }) => count !== 1)).toEqual([]);
    expect(delivered.map(({ token }) => token).toSorted()).toEqual(expected.map(({ token }) => token).toSorted());
  }
});
