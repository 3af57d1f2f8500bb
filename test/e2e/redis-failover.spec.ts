import { afterAll, describe, expect, it } from 'vitest';
import { Api } from '../harness/api.js';
import { startCarillon } from '../harness/carillon.js';
import { startCluster } from '../medium/queue/redis-cluster.js';
import { SENTINEL_AVAILABLE } from '../medium/queue/redis-server.js';
import { startSentinels } from '../medium/queue/redis-sentinels.js';
import { SERVERS } from './stages.js';

/** A Redis that is replaced while messages flow may lose jobs; the rows of the database are queued again. */

const MESSAGES = 60;

const cleaning: (() => unknown)[] = [];
afterAll(async () => {
  for (const clean of cleaning.splice(0).toReversed()) await clean();
});

async function run(queueUrl: string): Promise<Api> {
  const { environment, clean } = await SERVERS!.prepare();
  const carillon = await startCarillon({ ...environment, QUEUE_URL: queueUrl });
  cleaning.push(clean, () => carillon.stop());
  const api = await Api.connect(carillon.url);
  await api.registerDevices([{ deviceId: 'ann', platform: 'A', token: 'sandbox:accepted:ann', userId: 'ann' }]);
  return api;
}

/** Sends messages one after another and kills the master after a third of them; each must be sent once. */
async function expectNothingLost(api: Api, killMaster: () => Promise<void>): Promise<void> {
  const ids: string[] = [];
  for (let index = 0; index < MESSAGES; index++) {
    if (index === MESSAGES / 3) await killMaster();
    ids.push(await api.send({ message: { alert: 'hello' }, target: { userIds: ['ann'] } }));
  }
  for (const id of ids) {
    const { outcomes } = await api.waitFor(id, ({ state }) => state === 'finished');
    expect(outcomes).toMatchObject({ accepted: 1 });
  }
}

describe.runIf(SERVERS && SENTINEL_AVAILABLE)('messages while Redis is replaced', () => {
  it.concurrent('the sentinels replace a dead master in mid-flow: every message is sent', async () => {
    const sentinels = await startSentinels();
    cleaning.push(() => sentinels.stop());
    await expectNothingLost(await run(sentinels.url), () => sentinels.master.kill());
  });

  it.concurrent('a replica of the cluster replaces a dead master in mid-flow: every message is sent', async () => {
    const cluster = await startCluster();
    cleaning.push(() => cluster.stop());
    const master = await cluster.masterOf('{bull:deliver-sandbox-direct}');
    await cluster.addReplica(master);
    await expectNothingLost(await run(cluster.url), () => master.server.kill());
  });
});
