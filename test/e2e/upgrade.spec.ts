import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Api } from '../harness/api.js';
import type { RunningCarillon } from '../harness/carillon.js';
import { Deployment } from '../harness/deployment.js';
import { buildRelease, findReleaseBefore } from '../harness/release-before.js';
import { SERVERS } from './stages.js';

/** The release before and this one on one database: an update, and the way back, while messages are sent. */

const DEVICES = 2_000;
const FIRINGS = 12;
const commit = findReleaseBefore();

interface Run {
  runId: string;
  scheduledTime: string;
  outcomes: Record<string, number>;
}

/** The processes of one release. */
interface Side {
  api: Api;
  processes: RunningCarillon[];
}

// A clone that was cut off has no earlier release.
describe.skipIf(SERVERS === null || commit === null)('an update', () => {
  let before: string;
  let deployment: Deployment;
  beforeAll(() => void (before = buildRelease(commit!)), 300_000);
  afterEach(() => deployment.stop());

  it.each([
    ['from the release before to this one and back', false],
    ['back to the release before and again to this one', true],
  ])(
    '%s, in the middle of a broadcast and a campaign, loses nothing and sends nothing twice',
    async (_way, newFirst) => {
      const [first, second] = newFirst ? [undefined, before] : [before, undefined];
      deployment = await Deployment.start(SERVERS!, DEVICES, {}, first);
      const outputs: RunningCarillon[] = [deployment.first];
      const start = async (main?: string): Promise<Side> => {
        const processes = [
          await deployment.startProcess('api,scheduler', {}, main),
          await deployment.startProcess('worker', {}, main),
        ];
        outputs.push(...processes);
        return { api: await Api.connect(processes[0]!.url, deployment.api.applicationId), processes };
      };
      const stop = async ({ processes }: Side): Promise<void> => {
        const ends = await Promise.all(processes.map((process) => process.stop()));
        expect(ends.map(({ code }) => code)).toEqual([0, 0]);
      };
      const worker = await deployment.startProcess('worker', {}, first);
      outputs.push(worker);
      let side: Side = { api: deployment.api, processes: [deployment.first, worker] };

      // A caller sends one message after another to the side that is there; a campaign fires every two seconds.
      const sent: string[] = [];
      let isOver = false;
      const calling = (async () => {
        while (!isOver)
          sent.push(await side.api.send({ message: { alert: 'One' }, target: { deviceIds: ['device-1'] } }));
      })();
      const campaignId = await startCampaign(side.api);
      const broadcast = await deployment.broadcastUntilMiddle();
      // Without spread: a request without an answer for 15 s is repeated, and would be counted as sent twice.
      await deployment.simulators.admin.changeSettings({ apns: { latencyMs: 3_000, latencySigma: 0 } });
      for (const main of [second, first]) {
        const replaced = side;
        side = await start(main);
        const count = sent.length;
        await expect.poll(() => sent.length, { timeout: 30_000 }).toBeGreaterThan(count + 3);
        await stop(replaced);
      }
      expect((await side.api.message(broadcast)).state).not.toBe('finished');

      await deployment.simulators.admin.changeSettings({ apns: { latencyMs: 100 } });
      expect((await side.api.waitFor(broadcast)).outcomes).toMatchObject({ accepted: DEVICES, unknown: 0 });
      const runs = await waitForRuns(side.api, campaignId);
      isOver = true;
      await calling;
      for (const messageId of [...sent, ...(await messagesOf(side.api, campaignId, runs))]) {
        await side.api.waitFor(messageId);
        const { body } = await side.api.app('GET', `/messages/${messageId}/deliveries`);
        expect(await deployment.received(messageId), JSON.stringify(body)).toBe(1);
      }
      expect(await deployment.received(broadcast)).toBe(DEVICES);
      for (const process of outputs) expect(process.output()).not.toMatch(/cached plan|does not exist|ERROR/);
    },
  );
});

async function startCampaign(api: Api): Promise<string> {
  const at = Array.from({ length: FIRINGS }, (_, index) => new Date(Date.now() + 2_000 * (index + 1)).toISOString());
  const { body } = await api.app<{ campaignId: string }>('POST', '/campaigns', {
    name: 'Digest',
    content: { message: { alert: 'hi' } },
    target: { deviceIds: ['device-2'] },
    schedule: { at },
  });
  expect((await api.app('POST', `/campaigns/${body.campaignId}/activate`)).status).toBe(200);
  return body.campaignId;
}

async function waitForRuns(api: Api, campaignId: string): Promise<Run[]> {
  const read = async () => (await api.app<{ runs: Run[] }>('GET', `/campaigns/${campaignId}/runs?limit=100`)).body.runs;
  await expect
    .poll(async () => (await read()).filter(({ outcomes }) => outcomes.accepted === 1).length, { timeout: 120_000 })
    .toBe(FIRINGS);
  return read();
}

async function messagesOf(api: Api, campaignId: string, runs: readonly Run[]): Promise<string[]> {
  const messages: string[] = [];
  for (const { runId } of runs) {
    const { body } = await api.app<{ waves: { messages: { messageId: string }[] }[] }>(
      'GET',
      `/campaigns/${campaignId}/runs/${runId}`,
    );
    messages.push(...body.waves.flatMap((wave) => wave.messages.map(({ messageId }) => messageId)));
  }
  expect(messages).toHaveLength(FIRINGS);
  return messages;
}
