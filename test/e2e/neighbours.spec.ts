import { afterAll, beforeAll, expect, it } from 'vitest';
import { Api } from '../harness/api.js';
import { startCarillon } from '../harness/carillon.js';
import type { RunningCarillon } from '../harness/carillon.js';
import { STAGES } from './stages.js';

const BULK = 250;
const CONNECTIONS = 8;

let carillon: RunningCarillon;
let clean: () => void;
beforeAll(async () => {
  const prepared = await STAGES.at(-1)!.prepare();
  clean = prepared.clean;
  carillon = await startCarillon({ ...prepared.environment });
});
afterAll(async () => {
  await carillon.stop();
  clean();
});

async function open(applicationId: string): Promise<Api> {
  await (await Api.connect(carillon.url)).call('POST', '/apps', { applicationId });
  const api = await Api.connect(carillon.url, applicationId);
  await api.registerDevices([{ deviceId: 'd', platform: 'A', token: `sandbox:ok:${applicationId}`, userId: 'u' }]);
  return api;
}

it('single messages of another application pass between the pieces of eight bulks of 250, which rest for them', async () => {
  const loud = await open('com.acme.loud');
  const quiet = await open('com.acme.quiet');
  const message = { message: { alert: 'Hello' }, target: { userIds: ['u'] } };
  const send = async (): Promise<number> => {
    const began = performance.now();
    await quiet.send(message);
    return performance.now() - began;
  };
  const alone: number[] = [];
  for (let sent = 0; sent < 20; sent++) alone.push(await send());
  const bulk = Array.from({ length: BULK }, () => message);
  const began = performance.now();
  let left = CONNECTIONS;
  const bulks = Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      const { status } = await loud.app('POST', '/messages/bulk', bulk);
      left--;
      return status;
    }),
  );
  const beside: number[] = [];
  while (left > 0) beside.push(await send());
  expect(new Set(await bulks)).toEqual(new Set([202]));
  const all = performance.now() - began;
  const worst = (list: number[]) => Math.max(...list);
  process.stdout.write(
    `A neighbour's slowest of ${beside.length} beside ${CONNECTIONS} bulks of ${BULK} that took ${Math.round(all)} ms: ` +
      `${Math.round(worst(beside))} ms, ${(worst(beside) / worst(alone)).toFixed(1)} of the slowest alone (${Math.round(worst(alone))} ms)\n`,
  );
  // About 350 of its messages pass while the bulks rest between their pieces, and 65 without rests.
  expect(beside.length).toBeGreaterThan(150);
  const median = beside.toSorted((x, y) => x - y)[Math.floor(beside.length / 2)] ?? Infinity;
  expect(median).toBeLessThan(all / 12);
}, 300_000);
