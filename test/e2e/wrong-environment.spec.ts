import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Api } from '../harness/api.js';
import { startCarillon } from '../harness/carillon.js';
import type { RunningCarillon } from '../harness/carillon.js';
import { startSimulators } from '../simulators/client.js';
import type { RunningSimulators } from '../simulators/client.js';
import { EMBEDDED } from './stages.js';

/**
 * Conformance test 6 (docs/protocol/providers.md §10.4): a wrong environment stops an application and removes no
 * device.
 */

const DEVICES = 3_000;
/** Devices of the sample application. */
const SAMPLE_DEVICES = 5;
/** One batch per worker at once; all of it may be written before the first verdict is applied. */
const SENDS_BEFORE_PAUSE = 1_000;

let simulators: RunningSimulators;
let carillon: RunningCarillon;
let clean: () => void;
let api: Api;

beforeEach(async () => {
  simulators = await startSimulators();
  const prepared = await EMBEDDED.prepare();
  clean = prepared.clean;
  carillon = await startCarillon({
    ...prepared.environment,
    APNS_URL: simulators.apns.url,
    PROVIDER_CA_FILE: simulators.caPath ?? '',
    WORKER_BATCHES: '1',
  });
  api = await Api.connect(carillon.url);
  await putSettings();
  const devices = Array.from({ length: DEVICES }, (_, index) => ({
    deviceId: `device-${index}`,
    platform: 'A',
    token: randomBytes(32).toString('hex'),
  }));
  await api.registerDevices(devices);
});

afterEach(async () => {
  await carillon.stop();
  await simulators.stop();
  clean();
});

async function putSettings(): Promise<void> {
  const { key, keyId, teamId, bundleId } = simulators.credentials.apns;
  expect((await api.app('PUT', '/settings/apnsConf', { key, keyId, teamId, bundleId })).status).toBe(200);
}

async function pausedReason(): Promise<unknown> {
  return (await api.app<{ pausedReason?: string }>('GET', '/settings/apnsConf')).body.pausedReason;
}

describe('an application whose devices belong to the other environment', () => {
  it('is paused, keeps every device, and continues after the settings are corrected', async () => {
    // Every token looks invalid, as in the wrong environment.
    await simulators.admin.setTokenMode('strict', 'apns');
    const first = await api.send({ message: { alert: 'Into the void' } });
    await expect.poll(pausedReason, { timeout: 60_000 }).toMatch(/BadDeviceToken/);
    const { answers } = (await simulators.admin.counters()).apns;
    expect(answers['400 BadDeviceToken']).toBeLessThanOrEqual(SENDS_BEFORE_PAUSE);
    expect((await api.message(first)).audience).toBe(DEVICES + SAMPLE_DEVICES);

    await simulators.admin.setTokenMode('open', 'apns');
    await putSettings();
    expect(await pausedReason()).toBeUndefined();
    const second = await api.waitFor(await api.send({ message: { alert: 'To everybody' } }));
    expect(second.audience).toBe(DEVICES + SAMPLE_DEVICES);
    expect(second.outcomes.accepted).toBe(DEVICES + SAMPLE_DEVICES);
  });
});
