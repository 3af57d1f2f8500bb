/**
 * Long trials of webhooks, with two processes on one PostgreSQL:
 *
 *   npm run webhooks -- stopped    slow answers, then each process stopped by SIGSTOP for 70 s (6 min)
 *   npm run webhooks -- late       a receiver that fails for six minutes: every try verifies (8 min)
 *   npm run webhooks -- herd       20 webhooks with 500 events each, away for ten minutes (15 min)
 *   npm run webhooks -- order      200 messages to 1,500 devices, and an answer in ten is a failure (2 min)
 *   npm run webhooks -- neighbour  a healthy webhook beside dead ones: p99 of its delay (2 min)
 *
 * Without arguments all of them. Exits non-zero if a promise is broken. Needs PostgreSQL (Debian: postgresql).
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';
import type { Api } from '../test/harness/api.js';
import { quantile } from './quantile.js';
import type { Received, Stage } from './webhooks/stage.js';
import { holds, runTrials } from './webhooks/trials.js';

/** Of a comparison; the middle one counts, because other work of the machine delays one of them now and then. */
const TURNS = 3;

await runTrials('webhooks', { stopped, late, herd, order, neighbour });

async function drained(stage: Stage, api: Api, minutes: number): Promise<void> {
  const endsAt = performance.now() + minutes * 60_000;
  while ((await stage.waiting(api)) > 0) {
    if (performance.now() > endsAt) return holds(`no event waits after ${minutes} min`, false);
    await delay(500);
  }
}

/** How often each id came. */
function timesOf(received: readonly Received[]): Map<string, number> {
  const times = new Map<string, number>();
  for (const { id } of received) times.set(id, (times.get(id) ?? 0) + 1);
  return times;
}

function bytesHold(received: readonly Received[]): void {
  const hashes = new Map<string, string>();
  const other = received.filter(({ id, hash }) => hash !== (hashes.get(id) ?? hashes.set(id, hash).get(id)));
  holds('an id stands for the same bytes in each of its tries', other.length === 0);
}

async function stopped(stage: Stage): Promise<void> {
  const api = await stage.addApplication();
  await stage.addWebhook(api, 'slow');
  stage.answer = async (_received, response) => {
    await delay(14_000);
    response.end();
  };
  await stage.register(api, 0, 100);
  await delay(5_000);
  await drained(stage, api, 5);
  holds(
    '100 events whose answers take 14 s: each once',
    [...timesOf(stage.received).values()].every((n) => n === 1),
  );
  for (const [index, { pid }] of stage.processes.entries()) {
    await stage.register(api, 1_000 * (index + 1), 40);
    await delay(3_000);
    process.kill(pid, 'SIGSTOP');
    await delay(70_000);
    process.kill(pid, 'SIGCONT');
  }
  await drained(stage, api, 5);
  const times = [...timesOf(stage.received).values()];
  holds('every event came', times.length === 180);
  console.log(`        repeated after SIGSTOP: ${times.filter((n) => n > 1).length} of 80 events`);
  bytesHold(stage.received);
}

async function late(stage: Stage): Promise<void> {
  const api = await stage.addApplication();
  const secret = await stage.addWebhook(api, 'late');
  const endsAt = performance.now() + 6 * 60_000;
  let unverified = 0;
  stage.answer = ({ body, headers }, response) => {
    try {
      new Webhook(secret).verify(body, headers as Record<string, string>);
    } catch {
      unverified++;
    }
    response.writeHead(performance.now() < endsAt ? 503 : 200).end();
  };
  await stage.register(api, 0, 20);
  await delay(6 * 60_000);
  await drained(stage, api, 12);
  const times = new Set(stage.received.map(({ headers }) => headers['webhook-timestamp']));
  console.log(`        ${stage.received.length} tries of 20 events, with ${times.size} times`);
  holds('every try verifies when it arrives, with the tolerance of the library', unverified === 0);
  holds('all 20 events came', timesOf(stage.received).size === 20);
  bytesHold(stage.received);
}

async function herd(stage: Stage): Promise<void> {
  const [WEBHOOKS, EVENTS, AWAY_MS] = [20, 500, 10 * 60_000];
  const api = await stage.addApplication();
  for (let n = 0; n < WEBHOOKS; n++) await stage.addWebhook(api, `w${n}`);
  const endsAt = performance.now() + AWAY_MS;
  stage.answer = async (_received, response) => {
    const isAway = performance.now() < endsAt;
    if (!isAway) await delay(20);
    response.writeHead(isAway ? 503 : 200).end();
  };
  await stage.register(api, 0, EVENTS);
  await delay(AWAY_MS);
  const last = new Map(stage.received.map(({ path, at }) => [path, at]));
  const tries = [...last.values()];
  const spread = (Math.max(...tries) - Math.min(...tries)) / 1_000;
  // After ten minutes an endpoint waits for 240 to 640 s between its tries.
  console.log(`        the last tries of the ${WEBHOOKS} before the return spread over ${spread.toFixed(0)} s`);
  holds('the last tries spread over a quarter of a wait of 240 s', spread > 60);
  stage.mostOpen = 0;
  await drained(stage, api, 15);
  holds(`at most 16 requests at once for each webhook (${stage.mostOpen})`, stage.mostOpen <= 16 * WEBHOOKS);
  holds('every event came to each', timesOf(stage.received).size === EVENTS);
}

interface Told {
  type: string;
  data: { messageId: string; count?: number; outcomes?: Record<string, number> };
}

async function order(stage: Stage): Promise<void> {
  const [MESSAGES, DEVICES] = [200, 1_500];
  const api = await stage.addApplication();
  await stage.register(api, 0, DEVICES);
  await stage.addWebhook(api, 'order', { eventTypes: 'message.*,delivery.*' });
  let asked = 0;
  /** By the id of the event, in the order of the answers. */
  const taken = new Map<string, Told>();
  stage.answer = ({ id, body }, response) => {
    const isTaken = ++asked % 10 !== 0;
    if (isTaken && !taken.has(id)) taken.set(id, JSON.parse(body) as Told);
    response.writeHead(isTaken ? 200 : 500).end();
  };
  const sent = Array.from({ length: MESSAGES }, () => api.send({ message: { alert: 'Hi' } }));
  const ids = await Promise.all(sent);
  for (const id of ids) await api.waitFor(id, undefined, 300_000, 200);
  await delay(2_000);
  await drained(stage, api, 10);
  const wrong = ids.filter((id) => {
    const own = [...taken.values()].filter(({ data }) => data.messageId === id);
    const types = own.map(({ type }) => type);
    const sums: Record<string, number> = {};
    for (const { type, data } of own) if (data.count !== undefined) sums[type] = (sums[type] ?? 0) + data.count;
    const told = Object.entries(own.at(-1)?.data.outcomes ?? {}).filter(([, count]) => count > 0);
    const isSame = told.every(([outcome, count]) => sums[`delivery.${outcome}`] === count);
    const isOrdered = types[0] === 'message.accepted' && types[1] === 'message.started';
    return !isOrdered || types.at(-1) !== 'message.finished' || !isSame || told.length === 0;
  });
  console.log(`        ${asked} requests, ${taken.size} events of ${MESSAGES} messages`);
  holds('each message has accepted, started, its lots, and finished with their sums', wrong.length === 0);
  bytesHold(stage.received);
}

async function neighbour(stage: Stage): Promise<void> {
  const api = await stage.addApplication();
  await stage.addWebhook(api, 'healthy');
  const p99 = async (from: number): Promise<number> => {
    // Work for the dead ones, which the healthy one has done before the measurement.
    const before = stage.received.filter(({ path }) => path === '/healthy').length;
    await stage.register(api, from + 5_000, 500);
    while (stage.received.filter(({ path }) => path === '/healthy').length < before + 500) await delay(100);
    const sent = new Map<string, number>();
    for (let n = from; n < from + 400; n++) {
      sent.set(`d${n}`, performance.now());
      await stage.register(api, n, 1);
      await delay(20);
    }
    const delays = (): number[] =>
      stage.received.flatMap(({ path, body, at }) => {
        const begun = sent.get((JSON.parse(body) as { data: { deviceId: string } }).data.deviceId);
        return path === '/healthy' && begun !== undefined ? [at - begun] : [];
      });
    while (delays().length < sent.size) await delay(100);
    return quantile(delays(), 0.99);
  };
  const rows: { alone: number; 'beside two dead ones': number }[] = [];
  stage.answer = ({ path }, response) => (path === '/silent' ? undefined : response.end());
  for (let turn = 0; turn < TURNS; turn++) {
    const alone = await p99(turn * 10_000);
    await stage.addWebhook(api, 'silent');
    await stage.addWebhook(api, 'refused', { url: 'http://127.0.0.1:1/' });
    const beside = await p99(turn * 10_000 + 1_000);
    for (const name of ['silent', 'refused']) await api.app('DELETE', `/webhooks/${name}`);
    rows.push({ alone: Math.round(alone), 'beside two dead ones': Math.round(beside) });
  }
  console.log('p99 of the delay, ms');
  console.table(rows);
  const middle = (name: keyof (typeof rows)[0]): number =>
    quantile(
      rows.map((row) => row[name]),
      0.5,
    );
  holds('beside dead webhooks no more than doubled', middle('beside two dead ones') <= 2 * middle('alone'));
}
