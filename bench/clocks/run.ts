import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Answer, Api } from '../../test/harness/api.js';
import { APP, Stage } from './stage.js';
import type { Step } from './steps.js';

/** A step of a clock during the work, and its consequences after the correction. */
export interface Row {
  step: string;
  /** The last successful action, with its seconds after the correction. */
  last: string;
  stillS: number;
  twice: number;
  removed: number;
  expired: number;
  broken: string[];
}

const DEVICES = 1_500;
const TAGGED = 120;
const SINGLES = 20;
/**
 * Devices of the broadcast and of the run whose first delivery is refused, each once: after a second refusal the wait
 * is minutes.
 */
const REFUSED = 10;
const RATE_PER_S = 10;
/** How long the clock is wrong: processes look at the database's every two seconds. */
const WRONG_MS = 7_000;
const LIMIT_S = 60;
/** A message's default lifetime, which a clock further ahead ends. */
const LIFE_S = 28 * 86_400;
const CRON = '*/2 * * * * *';

export function describe({ step, last, stillS, twice, removed, expired }: Row): string {
  const numbers = [stillS.toFixed(1), twice, removed, expired].map((number) => String(number).padStart(8));
  return `${step.padEnd(28)}${numbers.join('')}  ${last}`;
}

/** Runs the steps one after the other, as far as the time allows. */
export async function runClocks(
  steps: readonly Step[],
  { log, forMs = Infinity }: { log: (line: string) => void; forMs?: number },
): Promise<{ rows: Row[]; left: number }> {
  const until = performance.now() + forMs;
  const stage = await Stage.open();
  const rows: Row[] = [];
  try {
    const refused = await prepare(stage);
    for (const step of steps) {
      if (performance.now() > until) break;
      const row = await play(stage, step, refused);
      rows.push(row);
      log(describe(row));
    }
  } finally {
    await stage.close();
  }
  return { rows, left: steps.length - rows.length };
}

/** Returns the devices whose first delivery each step refuses. */
async function prepare(stage: Stage): Promise<Device[]> {
  const api = await stage.connect();
  await api.call('POST', '/apps', { applicationId: APP });
  const { key, keyId, teamId, bundleId } = stage.simulators.credentials.apns;
  expectOk(await api.app('PUT', '/settings/apnsConf', { key, keyId, teamId, bundleId }));
  for (const name of ['one', 'some']) expectOk(await api.app('POST', '/tags', { name }));
  const devices = Array.from({ length: DEVICES }, (_, index) => newDevice(`device-${index}`));
  await api.registerDevices(devices);
  for (let index = 0; index < TAGGED; index++)
    expectOk(await api.app('POST', '/subscriptions', { deviceId: `device-${index}`, tagName: 'some' }));
  expectOk(await api.app('POST', '/subscriptions', { deviceId: 'device-0', tagName: 'one' }));
  const webhook = { name: 'events', url: stage.webhookUrl, eventTypes: 'onDeviceRegister' };
  expectOk(await api.app('POST', '/webhooks', webhook));
  await stage.simulators.admin.changeSettings({ apns: { latencyMs: 300, streams: 50 } });
  return devices.slice(TAGGED - REFUSED / 2, TAGGED + REFUSED / 2);
}

async function play(stage: Stage, step: Step, refused: readonly Device[]): Promise<Row> {
  const before = await begin(stage, refused);
  const seconds = step.seconds();
  for (const name of step.clocks) stage.clocks[name].set(seconds);
  if (step.kills) await stage.kill('worker');
  // The api may answer 401 or 503 meanwhile; every accepted message has to arrive.
  const during = await before.api.app('POST', '/devices', newDevice(`during-${before.id}`)).catch(() => null);
  await delay(WRONG_MS);
  for (const name of step.clocks) stage.clocks[name].set(0);
  if (step.kills) void stage.start('worker');
  const { last, stillS } = await watch(stage, before, during?.status === 201 ? 2 : 1);
  const found = await account(stage, before);
  const name = `${step.who} ${step.by}${step.kills ? ', a worker killed' : ''}`;
  const row: Row = { step: name, last, stillS, ...found, broken: [] };
  if (stillS > LIMIT_S) row.broken.push(`${last} stood still for more than ${LIMIT_S} s`);
  if (row.twice > 0) row.broken.push(`${row.twice} sent twice`);
  if (row.removed > 0) row.broken.push(`${row.removed} removed`);
  if (row.expired > 0 && seconds < LIFE_S) row.broken.push(`${row.expired} expired`);
  return row;
}

interface Device {
  deviceId: string;
  platform: string;
  token: string;
}

interface Work {
  id: string;
  api: Api;
  /** Message ids with their kind. */
  messages: Map<string, string>;
  timed: string;
  often: string;
  devices: number;
  repeats: number;
}

interface Run {
  state: string;
  audience: number;
  outcomes: Record<string, number>;
  scheduledTime: string;
}

/**
 * Starts a broadcast, messages to single devices, a run with a rate and a campaign; returns while all are under way.
 */
async function begin(stage: Stage, refused: readonly Device[]): Promise<Work> {
  await stage.simulators.admin.setFaults(
    refused.map(({ token }) => ({ match: { provider: 'apns', token }, action: { status: 503 }, times: 1 })),
  );
  const api = await stage.connect();
  const id = randomBytes(4).toString('hex');
  const { repeats } = await stage.simulators.admin.ledger('apns');
  const often = await addCampaign(api, { schedule: { cron: CRON }, target: { tagNames: ['one'] } });
  expectOk(await api.app('POST', `/campaigns/${often}/activate`));
  const rate = { policies: { ratePerSecond: RATE_PER_S } };
  const timed = await addCampaign(api, { schedule: { cron: '0 0 1 1 *' }, target: { tagNames: ['some'] }, ...rate });
  expectOk(await api.app('POST', `/campaigns/${timed}/run`));
  const send = (body: Record<string, unknown>) => api.send({ message: { alert: 'Hello' }, onUnknown: 'hold', ...body });
  const messages = new Map([['the broadcast', await send({})]]);
  for (let index = 0; index < SINGLES; index++)
    messages.set('a single message', await send({ target: { deviceIds: [`device-${index}`] } }));
  await api.waitFor(messages.get('the broadcast')!, ({ outcomes }) => (outcomes['accepted'] ?? 0) > 50);
  return { id, api, messages, timed, often, devices: await countDevices(api), repeats };
}

/** Waits until all is done, or twice the allowed time is over. */
async function watch(
  stage: Stage,
  { api, id, messages, timed, often }: Work,
  expectedEvents: number,
): Promise<{ last: string; stillS: number }> {
  const [rightAt, rightTime] = [performance.now(), Date.now()];
  const open = new Map<string, () => Promise<boolean>>();
  for (const [name, message] of messages) open.set(name, async () => isOver((await api.message(message)).state));
  open.set('the run with a rate', async () => {
    const [run] = await runsOf(api, timed);
    const { pending = 0, inFlight = 0 } = run?.outcomes ?? {};
    return run?.audience === TAGGED && pending + inFlight === 0;
  });
  open.set('the campaign', async () =>
    (await runsOf(api, often)).some(({ scheduledTime }) => {
      const at = Date.parse(scheduledTime);
      return at > rightTime && at <= Date.now() + 1_000;
    }),
  );
  open.set('a registration', async () => (await api.app('POST', '/devices', newDevice(`after-${id}`))).status === 201);
  open.set('the webhook', () => Promise.resolve(stage.events.size >= expectedEvents));
  let last = '';
  const stillS = () => (performance.now() - rightAt) / 1_000;
  while (open.size > 0 && stillS() < 2 * LIMIT_S) {
    for (const [name, isDone] of open)
      if (await isDone().catch(() => false)) {
        open.delete(name);
        last = name;
      }
    await delay(200);
  }
  return { last: [...open.keys()].join(', ') || last, stillS: stillS() };
}

async function account(stage: Stage, work: Work): Promise<{ twice: number; removed: number; expired: number }> {
  const { api, id, often, timed } = work;
  await api.app('POST', `/campaigns/${often}/pause`);
  let twice = (await stage.simulators.admin.ledger('apns')).repeats - work.repeats;
  for (const count of stage.events.values()) twice += count - 1;
  stage.events.clear();
  let removed = Math.max(0, work.devices - (await countDevices(api)));
  let expired = 0;
  for (const message of work.messages.values()) {
    const report = await api.app<{ outcomes?: Record<string, number> }>('GET', `/messages/${message}`);
    if (report.status !== 200) removed++;
    expired += report.body.outcomes?.['expired'] ?? 0;
  }
  const [run] = await runsOf(api, timed);
  if (!run) removed++;
  expired += run?.outcomes['expired'] ?? 0;
  for (const device of [`during-${id}`, `after-${id}`]) await api.app('DELETE', `/devices/${device}`);
  return { twice, removed, expired };
}

async function addCampaign(api: Api, change: Record<string, unknown>): Promise<string> {
  const content = { message: { alert: 'On time' }, onUnknown: 'hold' };
  const made = await api.app<{ campaignId: string }>('POST', '/campaigns', { name: 'Clocks', content, ...change });
  expectOk(made);
  return made.body.campaignId;
}

async function runsOf(api: Api, campaign: string): Promise<Run[]> {
  return (await api.app<{ runs: Run[] }>('GET', `/campaigns/${campaign}/runs`)).body.runs;
}

async function countDevices(api: Api): Promise<number> {
  const { body } = await api.app<{ pageInfo: { totalCount: string } }>('GET', '/devices?size=1&expand=false');
  return Number(body.pageInfo.totalCount);
}

function newDevice(deviceId: string): Device {
  return { deviceId, platform: 'A', token: randomBytes(32).toString('hex') };
}

function isOver(state: string): boolean {
  return state === 'finished' || state === 'expired';
}

function expectOk({ status, body }: Answer<unknown>): void {
  if (status >= 300) throw new Error(`${status} ${JSON.stringify(body)}`);
}
