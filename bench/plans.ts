/**
 * The time of PostgreSQL for planning and for running the statements of frequent requests, by the number of devices:
 * whether a statement is planned once, and whether its plan stays good when the table grows.
 *
 *   npm run bench:plans                                  10,000 devices and a million
 *   npm run bench:plans -- --devices=10000,10000000      other numbers, ascending
 *
 * Each request is made alone, one after the other, through api and worker on a durable PostgreSQL. The statements of
 * the worker count with the request that caused them, and so do the few of the background. Prints µs a request. Needs
 * nginx, PostgreSQL with pg_stat_statements and Redis (Debian: nginx-light, postgresql, redis-server). Exits non-zero
 * when a request is refused.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { Sink, tokenOf } from './singles/sink.js';
import { Stage } from './singles/stage.js';

const { values: options } = parseArgs({ options: { devices: { type: 'string', default: '10000,1000000' } } });
const sizes = options.devices.split(',').map(Number);
const REQUESTS = 300;
/** More than the runs after which the statements of a connection are planned again. */
const WARM = 100;
const SUBSCRIBED = 10;
const TAG = 'few';
/** Deliveries of the last requests. */
const REST_MS = 1_500;

const sink = await Sink.start();
const stage = await Stage.open(sink, { embedded: false, devices: sizes[0]! });
const database = new pg.Client({ connectionString: stage.databaseUrl! });
await database.connect();

type Answer = Promise<{ status: number; body: unknown }>;
const { api } = stage;
const send = (target: object): Answer => api.app('POST', '/messages', { message: { alert: 'Hello' }, target });
const messageIds: string[] = [];
const messageId = (n: number): string => messageIds[n % messageIds.length]!;

/** By name; `n` differs for each request. */
const requests: Record<string, (n: number) => Answer> = {
  'register a device again': (n) =>
    api.app('POST', '/devices', { deviceId: `device-${n}`, platform: 'A', token: tokenOf(n), userId: `user-${n}` }),
  'read a device': (n) => api.app('GET', `/devices/device-${n}`),
  'message to a device': (n) => send({ deviceIds: [`device-${n}`] }),
  'message to a user': (n) => send({ userIds: [`user-${n}`] }),
  [`message to a tag with ${SUBSCRIBED} devices`]: () => send({ tagNames: [TAG] }),
  'report of a message': (n) => api.app('GET', `/messages/${messageId(n)}`),
  'deliveries of a message': (n) => api.app('GET', `/messages/${messageId(n)}/deliveries`),
};

interface Cost {
  planUs: number;
  runUs: number;
}

async function measure(request: (n: number) => Answer): Promise<Cost> {
  const make = async (n: number): Promise<void> => {
    const { status, body } = await request(n);
    if (status >= 300) throw new Error(`${status} ${JSON.stringify(body)}`);
    const { messageId: id } = body as { messageId?: string };
    if (id !== undefined) messageIds.push(id);
  };
  for (let n = 0; n < WARM; n++) await make(n);
  await database.query('select pg_stat_statements_reset()');
  for (let n = WARM; n < WARM + REQUESTS; n++) await make(n);
  await delay(REST_MS);
  const { rows } = await database.query<Cost>(
    `select sum(total_plan_time) * 1000 / $1 as "planUs", sum(total_exec_time) * 1000 / $1 as "runUs"
     from pg_stat_statements where query not like '%pg_stat_statements%'`,
    [REQUESTS],
  );
  return rows[0]!;
}

try {
  await database.query('create extension if not exists pg_stat_statements');
  await database.query('alter system set pg_stat_statements.track_planning = on');
  await database.query('select pg_reload_conf()');
  await api.app('POST', '/tags', { name: TAG });
  for (let n = 0; n < SUBSCRIBED; n++)
    await api.app('POST', '/subscriptions', { deviceId: `device-${n}`, tagName: TAG });
  const cells: Record<string, Record<string, number>> = Object.fromEntries(
    Object.keys(requests).map((name) => [name, {}]),
  );
  for (const [index, size] of sizes.entries()) {
    await stage.copyDevices(api.applicationId, sizes[index - 1] ?? size, size);
    await stage.analyse();
    for (const [name, request] of Object.entries(requests)) {
      const { planUs, runUs } = await measure(request);
      cells[name]![`${size}: plan µs`] = Math.round(planUs);
      cells[name]![`${size}: run µs`] = Math.round(runUs);
    }
  }
  console.table(cells);
  process.stdout.write(`${JSON.stringify({ bench: 'plans', sizes, cells })}\n`);
} finally {
  await database.end();
  await stage.close();
}
