import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Api, issueToken } from '../harness/api.js';
import { runCarillon, runToEnd } from '../harness/carillon.js';
import type { Run, RunningCarillon } from '../harness/carillon.js';
import { Deployment } from '../harness/deployment.js';
import { buildRelease, findReleaseBefore } from '../harness/release-before.js';
import { EMPTY_SERVERS } from './stages.js';

/** The release before and this one on one database: an update, and the way back, while messages are sent. */

const DEVICES = 2_000;
const FIRINGS = 12;
/** More than the buffers of a connection take, so that a reader that stands still holds up its export. */
const EXPORTED = 20_000;
/** In ms: a lock that a step waits for is given up after 2 s. */
const LONGEST_CALL = 5_000;
const ONE = { message: { alert: 'One' }, target: { deviceIds: ['device-1'] } };
const GOES_ON = { timeout: 60_000 };
const FAULT = /cached plan|does not exist|ERROR/;
/** A delivery waited 15 s for one of the few streams of a provider whose answers take 3 s. */
const WAITED = /ERROR \[Delivery\] apns takes no messages: no stream within/;
const faultsIn = (output: string): string[] => output.split('\n').filter((line) => FAULT.test(line));
const commit = findReleaseBefore();

interface Firing {
  runId: string;
  scheduledTime: string;
  outcomes: Record<string, number>;
}

/** A caller that makes one call after another at the side that is there: each round has one of each kind. */
class Caller {
  readonly sent: string[] = [];
  longestMs = 0;
  private done = 0;
  private failure: unknown;
  private isOver = false;
  private readonly calling: Promise<void>;

  constructor(private readonly api: () => Api) {
    this.calling = this.call();
    this.calling.catch((error: unknown) => (this.failure = error));
  }

  /** Throws if a call has failed. */
  get rounds(): number {
    if (this.failure) throw this.failure;
    return this.done;
  }

  /** Rejects if a call has failed. */
  async end(): Promise<void> {
    this.isOver = true;
    await this.calling;
  }

  private async call(): Promise<void> {
    const kinds = [
      async () => void this.sent.push(await this.api().send(ONE)),
      () => this.read('/messages?size=100'),
      () => this.read('/devices?expand=true&size=100'),
      async () => {
        const lines = (await this.read('/devices:export')).trim().split('\n');
        if (lines.at(-1) !== trailerOf(lines.length - 1)) throw new Error(`an export ends with ${lines.at(-1)}`);
      },
      async () => {
        const token = await issueToken(this.api().url, 'messages.read');
        if (!token.startsWith('ey')) throw new Error(`no token: ${token}`);
      },
    ];
    for (; !this.isOver; this.done++)
      for (const kind of kinds) {
        const startedAt = performance.now();
        await kind();
        this.longestMs = Math.max(this.longestMs, performance.now() - startedAt);
      }
  }

  private async read(path: string): Promise<string> {
    const answer = await this.api().raw('GET', path, undefined, {});
    if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.text();
  }
}

const trailerOf = (count: number): string => JSON.stringify({ trailer: { count } });

/** The processes of one release. */
interface Side {
  api: Api;
  processes: RunningCarillon[];
}

// A clone that was cut off has no earlier release.
describe.skipIf(EMPTY_SERVERS === null || commit === null)('an update', () => {
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
      deployment = await Deployment.start(EMPTY_SERVERS!, DEVICES, {}, first);
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

      // A caller sends one message after another to the side that is there, at a rate that leaves streams for the
      // broadcast; a campaign fires every two seconds.
      const sent: string[] = [];
      let isOver = false;
      const calling = (async () => {
        for (; !isOver; await delay(300)) sent.push(await side.api.send(ONE));
      })();
      calling.catch(() => undefined);
      const campaignId = await startCampaign(side.api);
      const broadcast = await deployment.broadcastUntilMiddle();
      // Without spread: a request without an answer for 15 s is repeated, and would be counted as sent twice. With so
      // few streams, the broadcast lasts longer than four starts on any machine.
      await deployment.simulators.admin.changeSettings({ apns: { latencyMs: 3_000, latencySigma: 0, streams: 20 } });
      for (const main of [second, first]) {
        const replaced = side;
        side = await start(main);
        const count = sent.length;
        await expect.poll(() => sent.length, GOES_ON).toBeGreaterThan(count + 3);
        await stop(replaced);
      }
      expect((await side.api.message(broadcast)).state).not.toBe('finished');

      await deployment.simulators.admin.changeSettings({ apns: { latencyMs: 100, streams: 50 } });
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
      for (const process of outputs)
        expect(faultsIn(process.output()).filter((line) => !WAITED.test(line))).toEqual([]);
    },
  );

  it('migrates beside the release before under load and an export that stands still, and stops no call', async () => {
    deployment = await Deployment.start(EMPTY_SERVERS!, 200, {}, before);
    const worker = await deployment.startProcess('worker', {}, before);
    const { environment, api } = deployment;
    await api.call('POST', '/apps', { applicationId: 'com.acme.large' });
    const large = await Api.connect(api.url, 'com.acme.large');
    const lines = Array.from({ length: EXPORTED }, (_, n) =>
      JSON.stringify({ deviceId: `d-${n}`, platform: 'A', token: `sandbox:accepted:${n}` }),
    );
    await large.raw('POST', '/devices:import', lines.join('\n'), { 'content-type': 'application/x-ndjson' });
    const stalled = await large.raw('GET', '/devices:export', undefined, {});
    const broadcast = await deployment.broadcastUntilMiddle();
    const caller = new Caller(() => api);
    await expect.poll(() => caller.rounds, GOES_ON).toBeGreaterThan(1);

    const stores = { DATABASE_URL: environment.DATABASE_URL!, QUEUE_URL: environment.QUEUE_URL! };
    const steps = await stepsOf(stores.DATABASE_URL);
    const plan = await runToEnd(stores, 'migrate', '--plan');
    const migrated = await runToEnd(stores, 'migrate');
    expect([migrated.code, migrated.output]).toEqual([0, expect.stringContaining('the tables are up to date')]);
    const made = (await stepsOf(stores.DATABASE_URL)).filter((name) => !steps.includes(name));
    expect([...plan.output.matchAll(/^(\d{4}-\S+): beside running processes$/gm)].map(([, name]) => name)).toEqual(
      made,
    );
    expect(made.length).toBeGreaterThan(10);

    const { rounds } = caller;
    await expect.poll(() => caller.rounds, GOES_ON).toBeGreaterThan(rounds + 1);
    await caller.end();
    expect(caller.longestMs).toBeLessThan(LONGEST_CALL);
    const exported = (await stalled.text()).trim().split('\n');
    expect(exported.at(-1)).toBe(trailerOf(EXPORTED));
    expect((await api.waitFor(broadcast)).outcomes).toMatchObject({ accepted: 200, unknown: 0 });
    for (const messageId of caller.sent) {
      await api.waitFor(messageId);
      expect(await deployment.received(messageId)).toBe(1);
    }
    for (const process of [deployment.first, worker]) expect(faultsIn(process.output())).toEqual([]);
  });

  it('migrates when three processes start at once, after one was killed that waited for a lock', async () => {
    deployment = await Deployment.start(EMPTY_SERVERS!, 1, {}, before);
    const { environment } = deployment;
    const reader = new pg.Client(environment.DATABASE_URL);
    await reader.connect();
    await reader.query('begin; lock table device in access exclusive mode');
    const start = (ROLES: string): Run => runCarillon({ ...environment, ROLES, PORT: '0', HOST: '127.0.0.1' });
    const waits = { timeout: 60_000 };
    const killed = start('api');
    await expect.poll(killed.output, waits).toContain('waits for a transaction');
    killed.child.kill('SIGKILL');
    await killed.exited;
    const runs = ['api', 'worker', 'scheduler'].map(start);
    try {
      await expect.poll(() => runs.map(({ output }) => output()).join(''), waits).toContain('waits for a transaction');
      await reader.query('commit');
      for (const { output } of runs) await expect.poll(output, waits).toContain('Carillon listens on');
    } finally {
      await reader.end();
      for (const { child } of runs) child.kill('SIGTERM');
    }
    expect(await Promise.all(runs.map(({ exited }) => exited))).toEqual([0, 0, 0]);
    for (const { output } of runs) expect(faultsIn(output())).toEqual([]);
  });
});

/** The steps that a database has. */
async function stepsOf(databaseUrl: string): Promise<string[]> {
  const client = new pg.Client(databaseUrl);
  await client.connect();
  try {
    const { rows } = await client.query<{ name: string }>('select name from kysely_migration order by name');
    return rows.map(({ name }) => name);
  } finally {
    await client.end();
  }
}

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

async function waitForRuns(api: Api, campaignId: string): Promise<Firing[]> {
  const read = async () =>
    (await api.app<{ runs: Firing[] }>('GET', `/campaigns/${campaignId}/runs?limit=100`)).body.runs;
  await expect
    .poll(async () => (await read()).filter(({ outcomes }) => outcomes.accepted === 1).length, { timeout: 120_000 })
    .toBe(FIRINGS);
  return read();
}

async function messagesOf(api: Api, campaignId: string, runs: readonly Firing[]): Promise<string[]> {
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
