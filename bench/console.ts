/**
 * The console at a million devices, 100,000 messages, five million deliveries and 50,000 events of the audit: a browser
 * opens every screen, the first detail of each list and searches without a result, and each request of the screens is
 * repeated alone.
 *
 *   npm run bench:console                                                    some minutes
 *   npm run bench:console -- --devices=10000 --messages=1000 --minutes=1     less
 *
 * Prints for each screen the time until all its first requests were answered; the request that brings its first data
 * and its slowest request, as multiples of the API's fastest list (aim: 2 for the first data); and the most CPU of the
 * api process for one request (aim: 50 ms). Then ten pages stay open for `--minutes`, and the CPU of the processes
 * beyond that without a page is printed as a share of a core (aim: 5 % of the api), with the statements of PostgreSQL
 * that took the most time. At last the page exports the deliveries of one message to every device; the lines of the
 * file and the most memory of the tab are printed (aim: 300 MB). Needs chromium, nginx, PostgreSQL and Redis (Debian:
 * chromium, nginx-light, postgresql, redis-server) and Linux' /proc. Exits non-zero when a request of a screen fails;
 * never because the machine was slow.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import pg from 'pg';
import type { Page, Request } from 'playwright-core';
import { cpuSeconds } from './broadcast/usage.js';
import { exportAll } from './console/export.js';
import { launch, signIn } from './console/visitor.js';
import { Rows } from './retention/rows.js';
import { Sink } from './singles/sink.js';
import { Stage } from './singles/stage.js';

const { values: options } = parseArgs({
  options: {
    devices: { type: 'string', default: '1000000' },
    messages: { type: 'string', default: '100000' },
    minutes: { type: 'string', default: '5' },
  },
});
const DEVICES = Number(options.devices);
const MESSAGES = Number(options.messages);
/** Of the messages, those to a thousand devices; the others are singles. */
const BROADCASTS = Math.round(MESSAGES / 20);
const MINUTES = Number(options.minutes);
const PAGES = 10;
const IMPORTED = 1_000;
const AUDIT_EVENTS = 50_000;
/** Searches that find nothing, below the path of the application. */
const NOTHING = ['devices?by=user&text=no-user-has-this', 'devices?by=token&text=nothing0', 'messages?label=none'];
const NOTHING_AUDITED = '/console/administration/audit?subject=nothing';
const TIMES = 20;
const DAYS = 1;
const LISTS = ['/devices?size=20', '/messages?size=20', '/campaigns?size=20', '/tags?size=20'];

interface Asked {
  method: string;
  /** Path and query. */
  url: string;
  body: string | null;
}

interface Screen {
  path: string;
  ms: number;
  asked: Asked[];
}

const round = (value: number): number => Number(value.toPrecision(3));

async function fill({ api, databaseUrl }: Stage): Promise<void> {
  const finished = { broadcast: { message: { alert: 'To all' } }, single: { target: { deviceIds: ['device-1'] } } };
  const rows = await Rows.open(databaseUrl!);
  for (const [name, body] of Object.entries(finished)) {
    const id = await api.send({ message: { alert: 'Hello' }, ...body });
    await api.waitFor(id);
    await rows.add(id, name === 'broadcast' ? BROADCASTS : MESSAGES - BROADCASTS, DAYS, name);
  }
  await rows.widen('copy-broadcast-0', Math.round(DEVICES / IMPORTED));
  await rows.audit(AUDIT_EVENTS);
  await rows.close();
  await stage.copyDevices(api.applicationId, IMPORTED, DEVICES);
  await stage.analyse();
}

/** Requests of the API that a page makes until it is quiet. */
async function watch(page: Page, open: () => Promise<unknown>): Promise<Screen> {
  const asked = new Map<string, Asked>();
  const began = performance.now();
  let last = began;
  const note = (request: Request): void => {
    const { pathname, search } = new URL(request.url());
    if (!pathname.startsWith('/imfpush/') && !pathname.startsWith('/mfpadmin/')) return;
    last = performance.now();
    const [method, body] = [request.method(), request.postData()];
    asked.set(`${method} ${pathname}${search} ${body}`, { method, url: pathname + search, body });
  };
  page.on('requestfinished', note);
  await open();
  // Live screens ask once a second, so the network of a page is never idle for long.
  for (let seen = -1; seen !== asked.size;) {
    seen = asked.size;
    await page.waitForTimeout(1_000);
  }
  page.off('requestfinished', note);
  const { pathname, search } = new URL(page.url());
  return { path: pathname + search, ms: last - began, asked: [...asked.values()] };
}

/** Every screen of the navigation, and the first detail that its table links to. */
async function visit({ api }: Stage): Promise<Screen[]> {
  const browser = await launch();
  try {
    const page = await signIn(browser, api.url);
    await page.goto(`${api.url}/console/apps/${api.applicationId}/messages`);
    await page.getByRole('table').waitFor();
    const links = page.getByRole('navigation', { name: 'Screens' }).getByRole('link');
    // The screens of the whole installation show no links of the application.
    const paths = await Promise.all((await links.all()).map((link) => link.getAttribute('href')));
    const screens: Screen[] = [];
    for (const path of paths) {
      screens.push(await watch(page, () => page.goto(api.url + path!)));
      const detail = page.getByRole('main').getByRole('table').getByRole('link').first();
      if ((await detail.count()) > 0) screens.push(await watch(page, () => detail.click()));
    }
    const application = `/console/apps/${api.applicationId}`;
    for (const path of [...NOTHING.map((search) => `${application}/${search}`), NOTHING_AUDITED])
      screens.push(await watch(page, () => page.goto(api.url + path)));
    return screens;
  } finally {
    await browser.close();
  }
}

/** The share of a core that each process takes, in percent, for some time. */
async function sharesOf({ sender }: Stage, ms: number): Promise<Record<string, number>> {
  const read = () => Object.entries(sender.pids).map(([name, pid]) => [name, cpuSeconds(pid)] as const);
  const before = new Map(read());
  await delay(ms);
  return Object.fromEntries(read().map(([name, cpu]) => [name, ((cpu - before.get(name)!) * 100_000) / ms]));
}

/** Ten people look at ten pages. Prints the CPU of the processes, and the statements that took the most time. */
async function keepOpen(on: Stage, paths: readonly string[]): Promise<Record<string, number>> {
  const idle = await sharesOf(on, 30_000);
  const browser = await launch();
  const client = new pg.Client({ connectionString: on.databaseUrl! });
  await client.connect();
  try {
    for (let index = 0; index < PAGES; index++)
      await (await signIn(browser, on.api.url)).goto(on.api.url + paths[index % paths.length]!);
    await client.query('create extension if not exists pg_stat_statements');
    await client.query('select pg_stat_statements_reset()');
    const open = await sharesOf(on, MINUTES * 60_000);
    const { rows } = await client.query(
      `select calls, round(total_exec_time::numeric) as ms, round(mean_exec_time::numeric, 2) as mean,
         round(rows::numeric / calls) as rows, left(regexp_replace(query, '\\s+', ' ', 'g'), 100) as statement
       from pg_stat_statements where dbid = (select oid from pg_database where datname = current_database())
       order by total_exec_time desc limit 12`,
    );
    console.table(rows);
    return Object.fromEntries(Object.entries(open).map(([name, share]) => [name, round(share - (idle[name] ?? 0))]));
  } finally {
    await client.end();
    await browser.close();
  }
}

/** Median ms and CPU ms of the api process, of a request that is repeated alone. */
async function repeat({ api, sender }: Stage, { method, url, body }: Asked): Promise<{ ms: number; cpuMs: number }> {
  const times: number[] = [];
  const ask = async (): Promise<void> => {
    const started = performance.now();
    const headers = { authorization: api.authorization, ...(body !== null && { 'content-type': 'application/json' }) };
    const answer = await fetch(api.url + url, { method, headers, body });
    await answer.arrayBuffer();
    times.push(performance.now() - started);
    if (answer.ok) return;
    process.exitCode = 1;
    console.error(`${method} ${url}: ${answer.status}`);
  };
  await ask();
  times.length = 0;
  const before = cpuSeconds(sender.pids['api']!);
  for (let time = 0; time < TIMES; time++) await ask();
  const cpuMs = ((cpuSeconds(sender.pids['api']!) - before) * 1_000) / TIMES;
  return { ms: times.toSorted((a, b) => a - b)[TIMES / 2]!, cpuMs };
}

const sink = await Sink.start();
const stage = await Stage.open(sink, { embedded: false, devices: IMPORTED });
try {
  await fill(stage);
  const path = `/imfpush/v1/apps/${stage.api.applicationId}`;
  const lists: number[] = [];
  for (const list of LISTS) lists.push((await repeat(stage, { method: 'GET', url: path + list, body: null })).ms);
  const fastest = Math.min(...lists);
  const table = [];
  const screens = await visit(stage);
  for (const { path: screen, ms, asked } of screens) {
    const costs = [];
    // Reads alone: a repeated change would change more.
    for (const each of asked.filter(({ method, url }) => method === 'GET' || /:(count|render)$/.test(url)))
      costs.push({ ...(await repeat(stage, each)), url: each.url.replace(path, '…') });
    // In the order of their answers. Every screen reads the names of the applications for its navigation.
    const first = costs.find(({ url }) => !url.startsWith('/imfpush/v1/apps?'));
    const slowest = costs.toSorted((a, b) => b.ms - a.ms)[0];
    table.push({
      screen,
      'all answers ms': Math.round(ms),
      requests: asked.length,
      'first data': first?.url ?? '',
      'first of the fastest list': round((first?.ms ?? 0) / fastest),
      slowest: slowest?.url ?? '',
      'slowest ms': round(slowest?.ms ?? 0),
      'slowest of the fastest list': round((slowest?.ms ?? 0) / fastest),
      'most api CPU ms': round(Math.max(0, ...costs.map(({ cpuMs }) => cpuMs))),
    });
  }
  console.log(`The API's fastest list: ${round(fastest)} ms`);
  console.table(table);
  const paths = screens.map((each) => each.path);
  const openPages = await keepOpen(stage, paths);
  console.log(`${PAGES} open pages, percent of a core: ${JSON.stringify(openPages)}`);
  const exported = await exportAll(stage.api, 'copy-broadcast-0');
  console.log(`Export by the page: ${JSON.stringify(exported)}`);
  console.log(
    JSON.stringify({
      bench: 'console',
      devices: DEVICES,
      messages: MESSAGES,
      fastestListMs: fastest,
      screens: table,
      openPages,
      exported,
    }),
  );
} finally {
  await stage.close();
  await sink.stop();
}
