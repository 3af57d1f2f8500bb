/**
 * Long trials of the feed of events, with two processes on one PostgreSQL:
 *
 *   npm run feed -- wakeups    5,000 waits of readers, and an event around the begin of each (5 min)
 *   npm run feed -- readers    500 waits at one process, 400 of them cut, beside registrations and sends (4 min)
 *   npm run feed -- filter     a million events that a reader of another type skips (2 min)
 *
 * Without arguments all of them. Exits non-zero if a promise is broken. Needs PostgreSQL (Debian: postgresql), Linux.
 */
import { once } from 'node:events';
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { request } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { Api } from '../test/harness/api.js';
import { quantile } from './quantile.js';
import type { Stage } from './webhooks/stage.js';
import { holds, runTrials } from './webhooks/trials.js';

await runTrials('feed', { wakeups, readers, filter });

async function wakeups(stage: Stage): Promise<void> {
  const [READERS, WAITS] = [10, 500];
  const apis = await Promise.all(Array.from({ length: READERS }, () => stage.addApplication()));
  const delays = (await Promise.all(apis.map((api) => waitAgain(stage, api, WAITS)))).flat();
  const shown = [0.5, 0.99, 1].map((share) => quantile(delays, share).toFixed(0));
  console.log(`        ${delays.length} waits end after ${shown.join(', ')} ms (half, 99 %, all)`);
  holds('every wait ends within 2 s of the commit', Math.max(...delays) < 2_000);
}

/** Reads at the second process what the first writes around the begin of each wait; returns milliseconds. */
async function waitAgain(stage: Stage, api: Api, waits: number): Promise<number[]> {
  await api.app('PUT', '/events/feed', { eventTypes: 'device.*' });
  const other = new Api(stage.processes[1]!.url, api.authorization.slice('Bearer '.length), api.applicationId);
  const delays: number[] = [];
  let { cursor } = (await api.app<{ cursor: string }>('GET', '/events?after=latest&wait=0')).body;
  for (let n = 0; n < waits; n++) {
    // -2 to 5 ms after the begin of the wait.
    const lead = (n % 8) - 2;
    const write = async (): Promise<number> => {
      if (lead > 0) await delay(lead);
      await stage.register(api, n, 1);
      return performance.now();
    };
    const writing = write();
    if (lead < 0) await delay(-lead);
    const page = (await other.app<{ events: unknown[]; cursor: string }>('GET', `/events?after=${cursor}`)).body;
    const told = performance.now();
    delays.push(told - (await writing));
    if (page.events.length !== 1) holds(`wait ${n} ends with its event`, false);
    ({ cursor } = page);
  }
  return delays;
}

interface Poll {
  asked: ClientRequest;
  /** Status and whole text; null if the connection ended before. */
  answer: Promise<{ status: number; text: string } | null>;
}

/** A long poll on a connection of its own. */
function poll({ url, authorization, applicationId }: Api, cursor: string): Poll {
  const path = `/imfpush/v1/apps/${applicationId}/events?after=${cursor}&types=device.retired`;
  const asked = request(`${url}${path}`, { agent: false, headers: { authorization } });
  const answer = once(asked, 'response').then(
    async ([response]) => {
      const { statusCode } = response as IncomingMessage;
      let text = '';
      for await (const piece of response as IncomingMessage) text += String(piece);
      return { status: statusCode!, text };
    },
    () => null,
  );
  asked.end();
  return { asked, answer };
}

/** Resident memory in MB, and open sockets. */
function useOf(pid: number): { mb: number; sockets: number } {
  const mb = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1_024;
  const sockets = readdirSync(`/proc/${pid}/fd`).filter((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith('socket:');
    } catch {
      return false;
    }
  });
  return { mb, sockets: sockets.length };
}

async function readers(stage: Stage): Promise<void> {
  const [POLLS, CUT, CALLS] = [500, 400, 400];
  const api = await stage.addApplication();
  await api.app('PUT', '/events/feed', { eventTypes: 'device.retired' });
  const [{ pid }] = stage.processes as [Stage['processes'][0]];
  const { cursor } = (await api.app<{ cursor: string }>('GET', '/events?after=latest&wait=0')).body;
  let last = 0;
  /** Milliseconds of registrations, with a send beside each tenth. */
  const work = async (): Promise<number[]> => {
    const times: number[] = [];
    for (let n = 0; n < CALLS; n++) {
      const started = performance.now();
      const device = { deviceId: `d${++last}`, platform: 'G', token: `sandbox:accepted:${last}` };
      await api.registerDevices([device], 1);
      times.push(performance.now() - started);
      if (n % 10 === 0) await api.send({ message: { alert: 'Hi' }, target: { deviceIds: [device.deviceId] } });
    }
    return times;
  };
  const connections = async (): Promise<number> => stage.count('select count(*) from pg_stat_activity');
  const opened = async (count: number): Promise<Poll[]> => {
    const polls = Array.from({ length: count }, () => poll(api, cursor));
    await delay(3_000);
    return polls;
  };
  // Everything is loaded, and the memory has its usual size.
  await work();
  for (const { asked } of await opened(POLLS)) asked.destroy();
  await delay(2_000);
  const before = { ...useOf(pid), connections: await connections() };
  const rows: { alone: number; beside: number }[] = [];
  for (let turn = 0; turn < 3; turn++) {
    const alone = quantile(await work(), 0.99);
    const polls = await opened(POLLS);
    // Half of them by a reset, half by an end in the middle.
    for (const [n, { asked }] of polls.slice(0, CUT).entries())
      if (n % 2 === 0) asked.destroy();
      else asked.socket?.resetAndDestroy();
    const beside = quantile(await work(), 0.99);
    rows.push({ alone: Math.round(alone * 10) / 10, beside: Math.round(beside * 10) / 10 });
    const answers = await Promise.all(polls.slice(CUT).map(({ answer }) => answer));
    holds(
      `${POLLS - CUT} waits end with an answer`,
      answers.every((one) => one?.status === 200),
    );
  }
  console.log('p99 of a registration, ms');
  console.table(rows);
  const middle = (name: keyof (typeof rows)[0]): number =>
    quantile(
      rows.map((row) => row[name]),
      0.5,
    );
  holds('registrations beside waits take no more than twice as long', middle('beside') <= 2 * middle('alone'));
  await delay(30_000);
  const after = { ...useOf(pid), connections: await connections() };
  console.table({ before, after });
  holds('no more sockets than before', after.sockets <= before.sockets);
  holds('no more connections of the database than before', after.connections <= before.connections);
  holds('no more memory than before, but for 32 MB', after.mb <= before.mb + 32);
  const waiting = await opened(100);
  const { ms } = await stage.processes[0]!.stop();
  const ended = await Promise.all(waiting.map(({ answer }) => answer));
  holds(`SIGTERM with 100 waits ends the process within 10 s (${ms} ms)`, ms < 10_000);
  holds(
    'and each wait has its answer',
    ended.every((one) => one?.status === 200),
  );
}

async function filter(stage: Stage): Promise<void> {
  const EVENTS = 1_000_000;
  const api = await stage.addApplication();
  await api.app('PUT', '/events/feed', { eventTypes: '*' });
  const { cursor } = (await api.app<{ cursor: string }>('GET', '/events?after=latest&wait=0')).body;
  const data = JSON.stringify({ applicationId: api.applicationId, messageId: 'm', provider: 'sandbox', count: 1 });
  const event = (type: string, count: number): Promise<number> =>
    stage.count(`with written as (
      insert into event (application_id, type, event_id, subject, body)
      select '${api.applicationId}', '${type}', 'evt_' || '${type}' || n, 'message/m',
        json_build_object('type', '${type}', 'id', 'evt_' || '${type}' || n, 'timestamp', now(), 'data', '${data}'::json)
      from generate_series(1, ${count}) as n returning 1) select count(*) from written`);
  await event('delivery.accepted', EVENTS);
  await event('campaign.run.finished', 1);
  while ((await stage.count('select count(*) from event where position is null')) > 0) await delay(1_000);
  const read = async (after: string, query: string) => {
    const started = performance.now();
    const path = `/events?after=${after}&${query}`;
    const { status, body } = await api.app<{ events: { type: string }[]; cursor: string }>('GET', path);
    return { status, ...body, ms: performance.now() - started };
  };
  const found = await read(cursor, 'types=campaign.run.finished');
  console.log(`        found behind ${EVENTS} others in ${found.ms.toFixed(0)} ms`);
  holds('the one event comes within 5 s', found.events.length === 1 && found.ms < 5_000);
  const idle: number[] = [];
  for (let n = 0; n < 100; n++) idle.push((await read(found.cursor, 'types=campaign.run.finished&wait=0')).ms);
  console.log(`        100 reads of nothing: at most ${Math.max(...idle).toFixed(0)} ms`);
  holds('a read of nothing takes less than 50 ms', Math.max(...idle) < 50);
  const waiting = read(found.cursor, 'types=campaign.run.finished&wait=5');
  for (let n = 0; n < 40; n++) {
    await event('delivery.accepted', 1);
    await delay(100);
  }
  const waited = await waiting;
  holds('other events do not end a wait', waited.events.length === 0 && waited.ms > 4_900);
  const other = await read(cursor, 'types=delivery.accepted&limit=1000');
  holds('the old cursor reads other types from its place', other.events.length === 1_000);
}
