/**
 * The cost of scrapes: six processes are scraped every five seconds while a worker sends broadcasts, then beside a
 * transaction that is open for 30 s, and beside a table that is locked for 30 s.
 *
 *   npm run bench:scrapes                                      a million devices
 *   npm run bench:scrapes -- --devices=100000 --seconds=30     less
 *
 * Prints how often the rows were read (aim: once in ten seconds for all six), the times of the scrapes (aim: 200 ms),
 * the most statements that waited for the lock (aim: 1), and the pace and CPU of broadcasts in each
 * part. Needs nginx, PostgreSQL and Redis, and Linux' /proc.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startCarillon } from '../test/harness/carillon.js';
import { scrape } from '../test/harness/scrape.js';
import { freePort } from '../test/harness/servers.js';
import { Stage } from './broadcast/stage.js';
import { meanOf } from './quantile.js';

const { values: options } = parseArgs({
  options: { devices: { type: 'string', default: '1000000' }, seconds: { type: 'string', default: '60' } },
});
const devices = Number(options.devices);
const seconds = Number(options.seconds);
const PROCESSES = 6;
const SCRAPE_MS = 5_000;
const LOCK_MS = 30_000;
/** The audience of a broadcast that is measured. */
const AUDIENCE = 100_000;

interface Seen {
  /** Of each scrape, in ms. */
  scrapes: number[];
  /** Times that the rows were read. */
  readings: number;
  /** The most statements that waited for the lock at one moment. */
  waiting: number;
}

const stage = await Stage.open();
const others: { stop(): Promise<unknown> }[] = [];
try {
  await stage.addApplication(devices);
  if (devices !== AUDIENCE) await stage.addApplication(AUDIENCE);
  const ports = await Promise.all(Array.from({ length: PROCESSES }, () => freePort()));
  await stage.start([], { METRICS_PORT: String(ports[0]) });
  for (const port of ports.slice(1))
    others.push(await startCarillon({ ...stage.environment, ROLES: 'api', METRICS_PORT: String(port) }));
  for (let round = 0; round < 3; round++) await stage.broadcast(AUDIENCE);

  const alone = await paceDuring(() => delay(seconds * 1_000));
  const scraped = await paceDuring(() => scrapeFor(ports, seconds * 1_000));
  const during = async (statement: string) => {
    const session = await stage.database.connect();
    await session.query(`begin; ${statement}`);
    const measured = await paceDuring(() => scrapeFor(ports, LOCK_MS));
    await session.query('commit');
    session.release();
    return measured;
  };
  // A transaction that has an id keeps PostgreSQL from pruning rows. The lock is measured against that.
  const opened = await during('select pg_current_xact_id()');
  const locked = await during('lock table tally in access exclusive mode');

  console.table({
    'without scrapes': paceOf(alone),
    scraped: rowOf(scraped),
    'beside an open transaction': rowOf(opened),
    'beside a locked table': rowOf(locked),
  });
  console.log(JSON.stringify({ bench: 'scrapes', devices, seconds, slowestMs: slowest(scraped.result.scrapes) }));
} finally {
  await Promise.all(others.map((each) => each.stop()));
  await stage.close();
}

/** Scrapes all processes at once every five seconds. */
async function scrapeFor(ports: readonly number[], ms: number): Promise<Seen> {
  const scrapes: number[] = [];
  const taken = new Set<string>();
  let waiting = 0;
  const timed = async (port: number): Promise<void> => {
    const startedAt = performance.now();
    await scrape(`http://127.0.0.1:${port}/metrics`);
    scrapes.push(performance.now() - startedAt);
  };
  for (const ends = performance.now() + ms; performance.now() < ends;) {
    const next = delay(SCRAPE_MS);
    await Promise.all(ports.map(timed));
    const { rows } = await stage.database.query<{ at: string; waiting: number }>(
      `select taken_at::text as at, (select count(*)::int from pg_locks where not granted and relation = 'tally'::regclass) as waiting
       from metric_figures`,
    );
    taken.add(rows[0]!.at);
    waiting = Math.max(waiting, rows[0]!.waiting);
    await next;
  }
  return { scrapes, readings: taken.size, waiting };
}

interface Pace {
  perSecond: number;
  /** CPU of the worker. */
  usEach: number;
}

/** Broadcasts follow each other while the work is done. */
async function paceDuring<T>(work: () => Promise<T>): Promise<Pace & { result: T }> {
  let isOver = false;
  const result = work().finally(() => (isOver = true));
  const done: Pace[] = [];
  while (!isOver) {
    const { perSecond, cpuUs } = await stage.broadcast(AUDIENCE);
    done.push({ perSecond, usEach: cpuUs.worker! });
  }
  const mean = (of: keyof Pace): number => meanOf(done.map((each) => each[of]));
  return { perSecond: mean('perSecond'), usEach: mean('usEach'), result: await result };
}

function slowest(scrapes: readonly number[]): number {
  return Math.round(Math.max(...scrapes));
}

function paceOf({ perSecond, usEach }: Pace) {
  return { 'deliveries a second': Math.round(perSecond), 'worker, µs each': usEach.toFixed(1) };
}

function rowOf({ result: { scrapes, readings, waiting }, ...pace }: Pace & { result: Seen }) {
  return {
    ...paceOf(pace),
    scrapes: scrapes.length,
    'slowest, ms': slowest(scrapes),
    'readings of the rows': readings,
    'statements that waited': waiting,
  };
}
