/**
 * The needs of an installation: CPU, memory, size of the database and connections for a million devices and for a
 * million deliveries a day, scaled from a run of the built program as an api and a worker process on one durable
 * PostgreSQL, with Redis, and one nginx as the provider.
 *
 *   npm run bench:needs                                         200,000 devices, 20 s of single messages: two minutes
 *   npm run bench:needs -- --devices=1000000 --seconds=60       others
 *
 * Needs nginx, PostgreSQL and Redis (Debian: nginx-light, postgresql, redis-server), and Linux' /proc. Exits non-zero
 * when a delivery was not accepted; never because the machine was slow.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { cpuSeconds, watchMemory } from './broadcast/usage.js';
import { measureSingles } from './singles/measure.js';
import { Sink } from './singles/sink.js';
import { Stage, addApplication, importDevices } from './singles/stage.js';

const { values: options } = parseArgs({
  options: { devices: { type: 'string', default: '200000' }, seconds: { type: 'string', default: '20' } },
});
const devices = Number(options.devices);
const MILLION = 1_000_000;
const GB = 2 ** 30;
const FINISH_MS = 3_600_000;
const SAMPLE_MS = 500;
/** Half of a day's work in four hours is a usual peak, so the cores at the peak are three times the mean. */
const PEAK = 3;
const DAY_S = 86_400;

interface Work {
  units: number;
  cpu: Record<string, number>;
  walBytes: number;
  diskBytes: number;
  memoryMb: Record<string, number>;
}

const sink = await Sink.start({ firstOnly: true });
const stage = await Stage.open(sink, { embedded: false, devices: 1_000 });
const database = new pg.Client({ connectionString: stage.databaseUrl! });
await database.connect();

async function sizeOf(): Promise<number> {
  await database.query('vacuum (analyze)');
  const { rows } = await database.query<{ size: number }>(
    'select pg_database_size(current_database())::float8 as size',
  );
  return rows[0]!.size;
}

async function measure(work: () => Promise<number>): Promise<Work> {
  const { pids, cluster } = stage.sender;
  const names = ['api', 'worker', 'postgres', 'redis'];
  const read = () => Object.fromEntries(names.map((name) => [name, cpuSeconds(pids[name]!)]));
  const sizeBefore = await sizeOf();
  const watch = watchMemory({ api: pids.api!, worker: pids.worker!, redis: pids.redis! });
  const before = read();
  let units = 0;
  const { walBytes } = await cluster!.measure(async () => (units = await work()));
  const after = read();
  const memoryMb = await watch.stop();
  const cpu = Object.fromEntries(names.map((name) => [name, (after[name]! - before[name]!) / units]));
  return { units, cpu, walBytes, diskBytes: ((await sizeOf()) - sizeBefore) / units, memoryMb };
}

/** The most connections to PostgreSQL that are seen while the work is done. */
async function watchConnections<T>(work: () => Promise<T>): Promise<{ result: T; most: number }> {
  let most = 0;
  const done = new AbortController();
  const watching = (async () => {
    while (!done.signal.aborted) {
      const { rows } = await database.query<{ n: number }>(
        `select count(*)::int as n from pg_stat_activity where application_name = 'carillon'`,
      );
      most = Math.max(most, rows[0]!.n);
      await delay(SAMPLE_MS, undefined, { signal: done.signal }).catch(() => undefined);
    }
  })();
  const result = await work();
  done.abort();
  await watching;
  return { result, most };
}

const round = (value: number): number => Number(value.toPrecision(2));

try {
  const api = await addApplication(stage.api.url, 'com.example.needs', stage.key);
  const { result, most } = await watchConnections(async () => {
    const registered = await measure(async () => {
      await importDevices(api, devices);
      return devices;
    });
    const broadcast = await measure(async () => {
      const messageId = await api.send({ message: { alert: 'To all' } });
      const { outcomes } = await api.waitFor(messageId, ({ state }) => state === 'finished', FINISH_MS, 200);
      if (outcomes.accepted !== devices) throw new Error(`not all accepted: ${JSON.stringify(outcomes)}`);
      return devices;
    });
    const singles = await measure(async () => {
      const manner = { connections: 64, ms: Number(options.seconds) * 1_000 };
      const { lost, acceptedPerSecond } = await measureSingles(stage.sender, sink, 1_000, manner);
      if (lost > 0) throw new Error(`${lost} single messages were lost`);
      return acceptedPerSecond * Number(options.seconds);
    });
    return { 'devices imported': registered, 'deliveries of broadcasts': broadcast, 'single messages': singles };
  });

  console.log('A million of each');
  console.table(
    Object.entries(result).map(([what, { cpu, walBytes, diskBytes }]) => ({
      what,
      ...Object.fromEntries(Object.entries(cpu).map(([name, s]) => [`${name} CPU s`, round(s * MILLION)])),
      'WAL GB': round((walBytes * MILLION) / GB),
      'database GB': round((diskBytes * MILLION) / GB),
      'cores at the peak of a day': round((Object.values(cpu).reduce((sum, s) => sum + s, 0) * MILLION * PEAK) / DAY_S),
    })),
  );
  console.log('Peaks of memory, MB');
  console.table(
    Object.entries(result).map(([what, { memoryMb }]) => ({
      what,
      ...Object.fromEntries(Object.entries(memoryMb).map(([name, mb]) => [name, Math.round(mb)])),
    })),
  );
  console.log(`Connections to PostgreSQL of one api and one worker process: ${most}`);
  console.log(JSON.stringify({ bench: 'needs', devices, result, connections: most }));
} finally {
  await database.end();
  await stage.close();
  await sink.stop();
}
