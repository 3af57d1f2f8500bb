import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Api } from '../harness/api.js';
import type { DeviceBody, MessageReport } from '../harness/api.js';
import { startCarillon } from '../harness/carillon.js';
import type { RunningCarillon } from '../harness/carillon.js';
import { startSimulators } from '../simulators/client.js';
import type { RunningSimulators } from '../simulators/client.js';
import { EMBEDDED, SERVERS } from './stages.js';

/** A crash during a broadcast may repeat requests that were in flight, and must not lose or guess any. */

const DEVICES = 4_000;
/** Devices of the sample application, which the simulators' key is for. */
const SAMPLE_DEVICES = 5;
/** Batches that the worker sends at once, which limit the deliveries in flight. */
const BATCHES_AT_ONCE = 2;
const BATCH_SIZE = 1_000;
/** Slow enough that the broadcast still runs at the crash, and short enough for a quick test. */
const LATENCY_MS = 400;

let simulators: RunningSimulators;
let running: RunningCarillon[];
let clean: () => void;
let devices: DeviceBody[];

beforeEach(async () => {
  simulators = await startSimulators();
  running = [];
  clean = () => undefined;
  devices = Array.from({ length: DEVICES }, (_, index) => ({
    deviceId: `device-${index}`,
    platform: 'A',
    token: randomBytes(32).toString('hex'),
  }));
});

afterEach(async () => {
  await Promise.all(running.map((carillon) => carillon.stop()));
  await simulators.stop();
  clean();
});

describe.runIf(SERVERS)('on PostgreSQL and Redis', () => {
  it('a worker killed during a broadcast: nothing is missing, repeats are at most the requests in flight', async () => {
    const environment = await prepare(SERVERS!);
    const api = await startApi({ ...environment, ROLES: 'api,scheduler' });
    const worker = await start({ ...environment, ROLES: 'worker' });
    const messageId = await broadcastUntilMiddle(api);
    await worker.kill();
    const atKill = await api.message(messageId);
    await start({ ...environment, ROLES: 'worker' });
    const report = await api.waitFor(messageId);
    await expectNothingLost(messageId, report, atKill.outcomes.inFlight ?? 0);
  });

  it('Redis flushed during a broadcast: nothing is missing, nothing is repeated', async () => {
    const environment = await prepare(SERVERS!);
    const api = await startApi(environment);
    const messageId = await broadcastUntilMiddle(api);
    const redis = new Redis(environment.QUEUE_URL!);
    await redis.flushdb();
    redis.disconnect();
    const report = await api.waitFor(messageId);
    await expectNothingLost(messageId, report, 0);
  });
});

describe('on the embedded database', () => {
  it('the process killed during a broadcast: nothing is missing, repeats are at most the requests in flight', async () => {
    const environment = await prepare(EMBEDDED);
    const api = await startApi(environment);
    const messageId = await broadcastUntilMiddle(api);
    await running[0]!.kill();
    const again = await Api.connect((await start(environment)).url);
    const report = await again.waitFor(messageId);
    await expectNothingLost(messageId, report, BATCHES_AT_ONCE * BATCH_SIZE);
  });
});

async function prepare(stage: typeof EMBEDDED): Promise<Record<string, string>> {
  const prepared = await stage.prepare();
  clean = prepared.clean;
  return {
    ...prepared.environment,
    APNS_URL: simulators.apns.url,
    PROVIDER_CA_FILE: simulators.caPath ?? '',
    WORKER_BATCHES: String(BATCHES_AT_ONCE),
  };
}

async function start(environment: Record<string, string>): Promise<RunningCarillon> {
  const carillon = await startCarillon(environment);
  running.push(carillon);
  return carillon;
}

async function startApi(environment: Record<string, string>): Promise<Api> {
  const { url } = await start(environment);
  const api = await Api.connect(url);
  const { key, keyId, teamId, bundleId } = simulators.credentials.apns;
  const settings = await api.app('PUT', '/settings/apnsConf', { key, keyId, teamId, bundleId });
  expect(settings.status).toBe(200);
  await api.registerDevices(devices);
  return api;
}

/** Sends to all devices and returns when some deliveries are recorded and some are not. */
async function broadcastUntilMiddle(api: Api): Promise<string> {
  await simulators.admin.changeSettings({ apns: { latencyMs: LATENCY_MS, streams: 100 } });
  const messageId = await api.send({ message: { alert: 'To everybody' } });
  await api.waitFor(messageId, ({ outcomes }) => (outcomes.accepted ?? 0) > 0 && (outcomes.inFlight ?? 0) > 0);
  return messageId;
}

async function expectNothingLost(messageId: string, report: MessageReport, repeatBound: number): Promise<void> {
  await simulators.admin.changeSettings({ apns: { latencyMs: 0 } });
  expect(report.audience).toBe(DEVICES + SAMPLE_DEVICES);
  expect(report.outcomes.accepted).toBe(DEVICES + SAMPLE_DEVICES);
  const delivered = await simulators.admin.ledgerTokens('apns', messageId);
  expect(delivered.map(({ token }) => token).toSorted()).toEqual(devices.map(({ token }) => token).toSorted());
  const repeats = delivered.reduce((sum, { count }) => sum + count - 1, 0);
  expect(repeats).toBeLessThanOrEqual(repeatBound);
  // A repeat replaces the first message on the screen, because both have the message's collapse id.
  expect(new Set(delivered.map(({ collapseId }) => collapseId))).toEqual(new Set([messageId]));
}
