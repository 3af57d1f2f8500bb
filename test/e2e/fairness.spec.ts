import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api } from '../harness/api.js';
import { startCarillon } from '../harness/carillon.js';
import type { RunningCarillon } from '../harness/carillon.js';
import { STAGES } from './stages.js';

/** Batches that the worker sends at once; each takes about a second on any machine. */
const AT_ONCE = 4;
const EARLIER = 40;
const LATER = 12;

/** Two applications that broadcast share a worker evenly, in any order and with any size. */
describe.each(STAGES)('on $name', (stage) => {
  let carillon: RunningCarillon;
  let clean: () => void;
  beforeAll(async () => {
    const prepared = await stage.prepare();
    clean = prepared.clean;
    carillon = await startCarillon({ ...prepared.environment, WORKER_BATCHES: String(AT_ONCE) });
  });
  afterAll(async () => {
    await carillon.stop();
    clean();
  });

  /** An application with one slow device and `count` broadcasts to it, of one batch each. */
  async function broadcast(applicationId: string, count: number) {
    const root = await Api.connect(carillon.url);
    await root.call('POST', '/apps', { applicationId });
    const api = await Api.connect(carillon.url, applicationId);
    await api.registerDevices([{ deviceId: 'slow', platform: 'A', token: `sandbox:slow:${applicationId}` }]);
    const ids: string[] = [];
    for (let sent = 0; sent < count; sent++) ids.push(await api.send({ message: { alert: `No. ${sent}` } }));
    const countFinished = async (): Promise<number> => {
      const reports = await Promise.all(ids.map((id) => api.message(id)));
      return reports.filter(({ state }) => state === 'finished').length;
    };
    return { ids, api, countFinished };
  }

  it('a new application gets half of the worker at once, and does not wait for forty earlier broadcasts', async () => {
    const earlier = await broadcast('com.acme.earlier', EARLIER);
    const later = await broadcast('com.acme.later', LATER);
    const before = await earlier.countFinished();
    for (const id of later.ids) await later.api.waitFor(id);
    const meanwhile = (await earlier.countFinished()) - before;
    // An even share equals its own number; batches at both ends and the order within a round add tolerance.
    expect(meanwhile).toBeGreaterThanOrEqual(LATER - 2 * AT_ONCE);
    expect(meanwhile).toBeLessThanOrEqual(LATER + 2 * AT_ONCE);
    expect(before + meanwhile).toBeLessThan(EARLIER);
  });

  it('a code to one device does not wait for thousands of single messages of another application', async () => {
    const flood = await Api.connect(carillon.url, 'com.acme.earlier');
    const one = { message: { alert: 'hi' }, target: { deviceIds: ['slow'] } };
    const ids: string[] = [];
    for (let bulk = 0; bulk < 3; bulk++) {
      const list = Array.from({ length: 1_000 }, () => one);
      const { body } = await flood.app<{ messages: { messageId: string }[] }>('POST', '/messages/bulk', list);
      ids.push(...body.messages.map(({ messageId }) => messageId));
    }
    const neighbour = await Api.connect(carillon.url, 'com.acme.later');
    await neighbour.waitFor(await neighbour.send(one));
    // All of these came before the code, and a thousand after this one: 256 are sent at once, and each takes a second.
    expect((await flood.message(ids[2_000]!)).state).toBe('sending');
  });
});
