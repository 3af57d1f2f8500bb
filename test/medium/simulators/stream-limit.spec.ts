import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startSimulators, type RunningSimulators } from '../../simulators/client.js';
import { until } from './h2-client.js';
import { overrunStreams } from './raw-frames.js';

let simulators: RunningSimulators;

beforeAll(async () => {
  simulators = await startSimulators();
});
afterAll(() => simulators.stop());
beforeEach(() => simulators.admin.reset());

describe('more streams than allowed', () => {
  it.each([
    ['apns', 1, 'Maximum active streams violated'],
    ['fcm', 100, 'exceeded_max_concurrent_streams'],
  ] as const)('at %s, %i: GOAWAY with PROTOCOL_ERROR, and it is counted', async (provider, limit, debug) => {
    expect(await overrunStreams(simulators[provider].url, simulators.ca, limit + 1)).toMatchObject({ code: 1, debug });
    const counters = await until(
      () => simulators.admin.counters(),
      (now) => now[provider].connectionsOpen === 0,
    );
    expect(counters[provider]).toMatchObject({ protocolErrors: 1, peakStreams: limit });
  });
});
