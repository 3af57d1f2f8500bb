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

/** What a crash in the middle of a broadcast may do: repeat what was in flight. Never lose, never guess. */

const DEVICES = 4_000;
/** Of the sample application, which the simulators' key is for. */
const SAMPLE_DEVICES = 5;
/** Batches that the worker sends at once: what is in flight is never more than their deliveries. */
const BATCHES_AT_ONCE = 2;
const BATCH_SIZE = 1_000;
/** Slow enough that the broadcast is still running when the crash comes, quick enough to be done soon after. */
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
  it('a worker killed in the middle of a broadcast: nothing missing, repeats at most what was in flight', async () => {
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

  it('Redis flushed in the middle of a broadcast: nothing missing, nothing repeated', async () => {
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
  it('the whole process killed in the middle of a broadcast: nothing missing, repeats at most what was in flight', async () => {
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

/** Sends to all and comes back when some deliveries are recorded and some are not. */
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
  // A repeat replaces the first on the screen, because both carry the message's own collapse id.
  expect(new Set(delivered.map(({ collapseId }) => collapseId))).toEqual(new Set([messageId]));
}
