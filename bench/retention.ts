/**
 * The cost of removing old messages, against the cost of their delivery: the built program delivers a broadcast and
 * single messages; SQL copies their rows, the program's own retention removes the copies, and a vacuum follows.
 *
 *   npm run bench:retention                                   100 million deliveries of broadcasts, a million singles
 *   npm run bench:retention -- --deliveries=1e6 --singles=1e5  less
 *
 * Prints CPU and WAL of both, for a delivery of a broadcast and for a single, the share that retention adds, and how
 * long the sweeper looks for work while dead rows wait for a vacuum. Needs nginx, PostgreSQL and Redis (Debian:
 * nginx-light, postgresql, redis-server) and Linux' /proc.
 */
import { parseArgs } from 'node:util';
import { DAY_MS } from '../src/common/durations.js';
import { openDatabase } from '../src/database/database.js';
import type { Database } from '../src/database/database.js';
import { RetentionRepository } from '../src/delivery/upkeep/retention.repository.js';
import { SweepRepository } from '../src/delivery/upkeep/sweep.repository.js';
import { cpuSeconds } from './broadcast/usage.js';
import { Rows } from './retention/rows.js';
import type { Cluster } from './servers/cluster.js';
import { measureSingles } from './singles/measure.js';
import { Sink } from './singles/sink.js';
import { Stage } from './singles/stage.js';

const { values: options } = parseArgs({
  options: { deliveries: { type: 'string', default: '1e8' }, singles: { type: 'string', default: '1e6' } },
});
const SINGLES = Number(options.singles);
const DEVICES = 50_000;
const BROADCASTS = Math.round(Number(options.deliveries) / DEVICES);
const LOAD = { connections: 64, ms: 10_000 };
/** Broadcasts are older than singles, so that retention removes each kind by itself. */
const AGES = { broadcasts: 1_000, singles: 100, kept: 30 };
const FINISH_MS = 120_000;
/** Singles whose dead rows no vacuum has removed. */
const LIVES = Math.round(SINGLES / 4);

/** Per delivery. */
interface Cost {
  /** PostgreSQL and the program, µs. */
  cpuUs: number;
  postgresUs: number;
  walBytes: number;
}

async function deliverBroadcast({ api }: Stage): Promise<string> {
  const id = await api.send({ message: { alert: 'To all' } });
  await api.waitFor(id, ({ state }) => state === 'finished', FINISH_MS, 100);
  return id;
}

/** Work of PostgreSQL and of the program on each of the deliveries that `work` returns the number of. */
async function costOf({ sender }: Stage, work: () => Promise<number>): Promise<Cost> {
  const { api = 0, worker = 0 } = sender.pids;
  const program = (): number => (cpuSeconds(api) + cpuSeconds(worker)) * 1e6;
  const before = program();
  let deliveries = 0;
  const { cpuUs, walBytes } = await sender.cluster!.measure(async () => (deliveries = await work()));
  return { cpuUs: cpuUs + (program() - before) / deliveries, postgresUs: cpuUs, walBytes };
}

/** Removes all messages that ended before so many days, and vacuums. */
async function removalOf(
  deliveries: number,
  days: number,
  database: Database,
  cluster: Cluster,
  rows: Rows,
): Promise<Cost> {
  const retention = new RetentionRepository(database);
  const own = process.cpuUsage();
  const before = new Date(Date.now() - days * DAY_MS);
  const { cpuUs, walBytes } = await cluster.measure(async () => {
    for (let from = await retention.removeMessages(before); from;) from = await retention.removeMessages(before, from);
    await rows.vacuum();
    return deliveries;
  });
  const { user, system } = process.cpuUsage(own);
  return { cpuUs: cpuUs + (user + system) / deliveries, postgresUs: cpuUs, walBytes };
}

const round = (value: number): number => Number(value.toPrecision(3));
function toRow(what: string, delivery: Cost, removal: Cost): Record<string, string | number> {
  return {
    what,
    'delivery µs': round(delivery.cpuUs),
    'removal µs': round(removal.cpuUs),
    'share of CPU': round(removal.cpuUs / delivery.cpuUs),
    'share of PostgreSQL': round(removal.postgresUs / delivery.postgresUs),
    'delivery WAL': round(delivery.walBytes),
    'removal WAL': round(removal.walBytes),
    'share of WAL': round(removal.walBytes / delivery.walBytes),
  };
}

const sink = await Sink.start();
const stage = await Stage.open(sink, { embedded: false, devices: DEVICES });
try {
  const { sender } = stage;
  const single = await stage.api.send({ message: { alert: 'Your code is 1' }, target: { deviceIds: ['device-1'] } });
  // The compiler is warm before the measurement.
  await deliverBroadcast(stage);
  await measureSingles(sender, sink, DEVICES, LOAD);
  let broadcast = '';
  const delivery = {
    broadcast: await costOf(stage, async () => {
      broadcast = await deliverBroadcast(stage);
      return DEVICES;
    }),
    single: await costOf(stage, async () => {
      const { connections, ms } = LOAD;
      const load = await measureSingles(sender, sink, DEVICES, { connections, ms });
      return Math.round(load.acceptedPerSecond * (ms / 1_000));
    }),
  };
  await stage.stopProgram();
  const rows = await Rows.open(stage.databaseUrl!);
  const database = await openDatabase({ databaseUrl: stage.databaseUrl!, dataDir: '' });
  const looks: number[] = [];
  const removal = { broadcast: delivery.broadcast, single: delivery.single };
  try {
    await rows.add(broadcast, BROADCASTS, AGES.broadcasts, 'broadcast');
    await rows.add(single, SINGLES, AGES.singles, 'single');
    await rows.vacuum();
    console.log(`Filled: ${await rows.size()}`);
    removal.broadcast = await removalOf(BROADCASTS * DEVICES, AGES.singles + 1, database, sender.cluster!, rows);
    removal.single = await removalOf(SINGLES, AGES.kept, database, sender.cluster!, rows);
    console.log(`Emptied: ${await rows.size()}`);
    await rows.live(single, LIVES);
    const sweeps = new SweepRepository(database);
    const look = async (): Promise<number> => {
      const started = performance.now();
      await sweeps.batchesToDeliver();
      await sweeps.messagesToExpand();
      return Math.round(performance.now() - started);
    };
    // The first look marks dead entries of the index, the second one only walks over them.
    looks.push(await look(), await look());
    await rows.vacuum();
    looks.push(await look());
  } finally {
    await database.close();
    await rows.close();
  }
  console.log(`CPU in µs and WAL in bytes, a delivery: ${BROADCASTS * DEVICES} of broadcasts, ${SINGLES} singles`);
  console.table([
    toRow('broadcast', delivery.broadcast, removal.broadcast),
    toRow('single', delivery.single, removal.single),
  ]);
  console.log(
    `A look for work of the sweeper after ${LIVES} singles: ${looks[0]} ms and ${looks[1]} ms before a vacuum, ` +
      `${looks[2]} ms after it`,
  );
  console.log(
    JSON.stringify({
      bench: 'retention',
      broadcasts: BROADCASTS * DEVICES,
      singles: SINGLES,
      delivery,
      removal,
      looks,
    }),
  );
} finally {
  await stage.close();
  await sink.stop();
}
