import { setTimeout as delay } from 'node:timers/promises';
import { Api } from '../../test/harness/api.js';
import { startSimulators } from '../../test/simulators/client.js';
import type { RunningSimulators } from '../../test/simulators/client.js';
import { Random } from '../../test/simulators/shared/random.js';
import { drawAccount } from './account.js';
import type { Account, SentLetter } from './account.js';
import { gatherCrowd, insertCrowd } from './crowd.js';
import { makePlan } from './plan.js';
import type { Letter, Step } from './plan.js';
import { Stage } from './stage.js';
import type { Place } from './stage.js';
import { Watch } from './watch.js';
import { Weather } from './weather.js';

export interface ChaosOptions extends Place {
  seed: number;
  devices: number;
  short: boolean;
  log: (line: string) => void;
}

export interface ChaosResult extends Account {
  messages: number;
  repeatBound: number;
  longestStallMs: number;
  seconds: number;
}

/** The longest time between two steps, so that a stall does not prevent the disasters. */
const STEP_MS = 3_000;
/** After this time from the last step an unsettled delivery counts as lost. */
const SETTLE_MS = { long: 150_000, short: 90_000 };
/** Per provider and worker: this many thousand deliveries may be in flight at a crash. */
const BATCHES_AT_ONCE = { long: '4', short: '1' };

/** Runs the plan of a seed and returns the account. Throws MissingProgram if a server is not installed. */
export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const simulators = await startSimulators({ seed: options.seed });
  try {
    const stage = await Stage.open(options, {
      ...settingsFor(simulators),
      WORKER_BATCHES: options.short ? BATCHES_AT_ONCE.short : BATCHES_AT_ONCE.long,
    });
    try {
      return await play(options, stage, simulators);
    } finally {
      await stage.close();
    }
  } finally {
    await simulators.stop();
  }
}

async function play(options: ChaosOptions, stage: Stage, simulators: RunningSimulators): Promise<ChaosResult> {
  const random = new Random(options.seed);
  const plan = makePlan(random, options.devices, options, options.short);
  await stage.start();
  const api = await Api.connect(stage.url);
  const pushKey = await putSettings(api, simulators);
  const crowd = await gatherCrowd(options.devices, random, simulators, pushKey);
  await stage.withTables((pool) => insertCrowd(crowd, pool));
  await stage.start();
  const weather = new Weather(simulators);
  await weather.calm();

  const started = performance.now();
  const sent: SentLetter[] = [];
  const watch = new Watch(api, simulators, sent, totalOf(plan));
  for (const step of plan) {
    await watch.waitForShare(step.at, STEP_MS);
    const at = `${((performance.now() - started) / 1_000).toFixed(1).padStart(6)} s  ${(watch.share * 100).toFixed(0).padStart(3)} %  `;
    if ('letter' in step) {
      sent.push(await sendLetter(api, step.letter, options.seed));
      options.log(`${at}sent: ${step.letter.name}`);
    } else options.log(`${at}${step.strike.name} ${await step.strike.run({ stage, weather, simulators })}`);
  }
  await weather.clear();
  await watch.waitForEnd(options.short ? SETTLE_MS.short : SETTLE_MS.long);
  const seconds = (performance.now() - started) / 1_000;
  const account = await stage.withTables((pool) => drawAccount(pool, simulators, crowd, sent));
  // Deliveries in flight at a crash also include those of the surviving workers; the tables show the claimed ones.
  const repeatBound = Math.min(stage.inFlightAtCrashes, account.takenUp) + account.writtenAgain;
  const broken = [...account.broken, ...watch.contradictions, ...stage.members.flatMap((member) => member.collapses)];
  if (account.repeated > repeatBound) broken.push(`${account.repeated} repeats, and the bound is ${repeatBound}`);
  return { ...account, broken, messages: sent.length, repeatBound, longestStallMs: watch.longestStallMs, seconds };
}

function settingsFor(simulators: RunningSimulators): Record<string, string> {
  return {
    APNS_URL: simulators.apns.url,
    FCM_URL: simulators.fcm.url,
    PROVIDER_CA_FILE: simulators.caPath ?? '',
    WEB_PUSH_ALLOW_PRIVATE: 'true',
  };
}

/** Returns the public key with which browsers subscribe. */
async function putSettings(api: Api, { credentials }: RunningSimulators): Promise<string> {
  const { key, keyId, teamId, bundleId } = credentials.apns;
  const put = async (conf: string, body: unknown): Promise<Record<string, unknown>> => {
    const answer = await api.app('PUT', `/settings/${conf}`, body);
    if (answer.status !== 200) throw new Error(`${conf}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  await put('apnsConf', { key, keyId, teamId, bundleId });
  await put('fcmConf', { serviceAccount: credentials.fcm });
  return String((await put('webPushConf', { subject: 'mailto:chaos@example.com' })).publicKey);
}

function totalOf(plan: readonly Step[]): number {
  return plan.reduce((sum, step) => sum + ('letter' in step ? step.letter.size : 0), 0);
}

/** Sends like a careful backend: until there is an answer, with one key, so that the message is accepted once. */
async function sendLetter(api: Api, letter: Letter, seed: number): Promise<SentLetter> {
  const headers = { 'idempotency-key': `chaos-${seed}-${letter.name.replaceAll(/\W/g, '-')}` };
  const messageId = await persist(() => api.send(letter.body, headers));
  if (letter.cancel)
    await persist(async () => {
      const { status } = await api.app('DELETE', `/messages/${messageId}`);
      if (status >= 500) throw new Error(`cancel: ${status}`);
    });
  return { letter, messageId };
}

async function persist<T>(call: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (Date.now() > deadline || / 4\d\d /.test(String(error))) throw error;
      await delay(200);
    }
  }
}
