/**
 * A broadcast to APNs devices on PostgreSQL and Redis, in three sizes, beside what the transport alone and the provider
 * alone reach: one nginx that takes everything, the built program as an api and a worker process, all in one run.
 *
 *   npm run bench:broadcast                       10,000, 100,000 and 1,000,000 devices
 *   npm run bench:broadcast -- --sizes=10000,50000  other sizes; the last one is profiled against and sent codes into
 *
 * Prints deliveries a second, CPU of each process and of each part of the worker, figures of PostgreSQL, memory,
 * growth of the stores, and how long a single message takes from its 202 to the provider's wire: idle, in the middle
 * of the largest broadcast, and there beside 1,000 other single messages a second. Needs nginx, PostgreSQL and Redis
 * (Debian: nginx-light, postgresql, redis-server) and Linux' /proc. Exits non-zero when a delivery was not accepted;
 * never because the machine was slow.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { findProgram } from '../test/medium/http2/real-peers.js';
import { applyLoad, messagesOf } from './api/load.js';
import { sendCodes } from './broadcast/codes.js';
import { partsOf } from './broadcast/profile.js';
import { Stage } from './broadcast/stage.js';
import type { Broadcast } from './broadcast/stage.js';
import type { Measured } from './http2.clients.js';
import type { Measured as ProviderMeasured } from './providers.clients.js';
import { meanOf } from './quantile.js';
import type { Quantiles } from './quantile.js';
import { describeJob, measureClient } from './providers/clients-run.js';
import { clusterCells } from './servers/cluster.js';

const run = promisify(execFile);
const TRANSPORT_REQUESTS = 300_000;
const PROFILED_DEVICES = 100_000;
/** Single messages beside a broadcast, a second. */
const SINGLES = 1_000;

const { values: options } = parseArgs({ options: { sizes: { type: 'string', default: '10000,100000,1000000' } } });
const sizes = options.sizes.split(',').map(Number);
const largest = sizes.at(-1)!;

for (const [program, debian] of Object.entries({ nginx: 'nginx-light', 'redis-server': 'redis-server' })) {
  if (findProgram(program) !== undefined) continue;
  console.error(`${program} is missing: apt-get install ${debian}`);
  process.exit(2);
}

/** Only the HTTP/2 client, in one process, with requests like the broadcast's against the same nginx. */
async function measureTransport({ sink }: Stage): Promise<Measured> {
  const script = join(import.meta.dirname, 'http2.clients.ts');
  const ca = join(sink.folder, 'cert.pem');
  const { stdout } = await run(process.execPath, [
    ...process.execArgv,
    script,
    'pipeline as apns',
    sink.origin,
    ca,
    String(TRANSPORT_REQUESTS),
  ]);
  return JSON.parse(stdout) as Measured;
}

/** Only the sender of APNs, in one process, without a database: payload, authorization and outcome of each delivery. */
async function measureProvider({ sink }: Stage): Promise<ProviderMeasured> {
  const measured = await measureClient('carillon apns', { ...describeJob(sink), total: TRANSPORT_REQUESTS });
  if (measured.failed > 0) throw new Error(`${measured.failed} deliveries of the provider alone were not accepted`);
  return measured;
}

type Work = (stage: Stage, goOn: () => boolean) => Promise<void>;

/** Codes during a broadcast to the largest audience, and beside `others`. */
async function sendCodesDuring(stage: Stage, others?: Work): Promise<Quantiles> {
  let underWay = true;
  const broadcast = stage.broadcast(largest).finally(() => (underWay = false));
  const work = others?.(stage, () => underWay);
  const waits = await sendCodes(stage, largest, () => underWay);
  await Promise.all([broadcast, work]);
  return waits;
}

/** `SINGLES` messages a second to one device each, of another application than the largest, while `goOn` is true. */
async function sendSingles(stage: Stage, goOn: () => boolean): Promise<void> {
  const target = messagesOf(stage.api(sizes[0]!));
  const bodyOf = (index: number): string =>
    `{"message":{"alert":"Hello"},"target":{"deviceIds":["device-${1 + (index % sizes[0]!)}"]}}`;
  while (goOn()) await applyLoad(target, bodyOf, { connections: 64, ms: 1_000, perSecond: SINGLES });
}

const round = (value: number, digits = 1): number => Number(value.toFixed(digits));
const rounded = (values: Record<string, number>): Record<string, number> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, round(value)]));
const quantiles = ({ p50, p99 }: Quantiles): Record<string, number> => ({ p50: round(p50), p99: round(p99) });

function toRow({ devices, perSecond, cpuUs, memoryMb }: Broadcast): Record<string, number> {
  const cpu = Object.entries(cpuUs).map(([name, value]) => [`${name} µs`, round(value)]);
  const memory = Object.entries(memoryMb).map(([name, value]) => [`${name} MB`, Math.round(value)]);
  return { devices, 'per second': Math.round(perSecond), ...Object.fromEntries([...cpu, ...memory]) };
}

const stage = await Stage.open();
try {
  for (const devices of sizes) await stage.addApplication(devices);
  await stage.start();
  const idle = await sendCodes(stage, largest);
  const transport = [await measureTransport(stage)];
  const provider = [await measureProvider(stage)];
  // The compiler is warm before the measurement, as for the transport: only the size is compared.
  await stage.broadcast(sizes[Math.floor(sizes.length / 2)]!);
  const broadcasts: Broadcast[] = [];
  for (const devices of sizes) broadcasts.push(await stage.broadcast(devices));
  provider.push(await measureProvider(stage));
  transport.push(await measureTransport(stage));
  // Further broadcasts with codes in them, which would distort the figures above.
  const busy = await sendCodesDuring(stage);
  const crowded = await sendCodesDuring(stage, sendSingles);
  const workers: Record<1 | 2, number[]> = { 1: [], 2: [] };
  // In turn, because the machine's speed changes within minutes.
  for (const count of [1, 2, 1, 2] as const)
    workers[count].push((await stage.broadcastBy(count, largest)).cpuUs.worker!);
  const profile = await stage.profile(Math.min(PROFILED_DEVICES, largest));
  const parts = rounded(partsOf(profile.file, profile.devices));

  const alone = meanOf(transport.map(({ rps }) => rps));
  const sender = {
    perSecond: meanOf(provider.map(({ perSecond }) => perSecond)),
    cpuUs: meanOf(provider.map(({ cpuUs }) => cpuUs)),
  };
  const main = broadcasts.at(-1)!;
  const share = main.perSecond / alone;
  console.log('CPU in µs a delivery, peak memory in MB');
  console.table(broadcasts.map(toRow));
  console.log('PostgreSQL, a delivery');
  console.table(broadcasts.map(({ devices, cluster }) => ({ devices, ...clusterCells(cluster) })));
  console.log('CPU of the worker by part, µs a delivery, under a profiler');
  console.table(parts);
  console.log('From the 202 of a single message to the provider’s wire, ms');
  console.table({
    idle: quantiles(idle),
    'during the broadcast': quantiles(busy),
    [`beside ${SINGLES} others a second, too`]: quantiles(crowded),
  });
  console.log(
    `transport alone ${Math.round(alone)} a second: the broadcast reaches ${round(share, 2)} of it (aim 0.6); ` +
      `the provider alone ${Math.round(sender.perSecond)}, ${round(sender.cpuUs)} µs: ` +
      `${round(main.perSecond / sender.perSecond, 2)} of it (aim 0.75); ` +
      `per million deliveries the database grows by ${Math.round(main.growthMb.database)} MB and Redis by ${round(main.growthMb.redis)} MB`,
  );
  const [one, two] = [meanOf(workers[1]), meanOf(workers[2])];
  const scaling = (2 * one) / two;
  console.log(
    `two worker processes use ${round(two)} µs a delivery, one ${round(one)}: on two cores of their own they send ` +
      `${round(scaling, 2)} times what one does (aim 1.8)`,
  );
  console.log(
    JSON.stringify({
      bench: 'broadcast',
      rates: Object.fromEntries(broadcasts.map(({ devices, perSecond }) => [devices, Math.round(perSecond)])),
      transport: Math.round(alone),
      provider: rounded(sender),
      cpuUs: Object.fromEntries(broadcasts.map(({ devices, cpuUs }) => [devices, rounded(cpuUs)])),
      postgres: Object.fromEntries(broadcasts.map(({ devices, cluster }) => [devices, cluster])),
      workerParts: parts,
      memoryMb: rounded(main.memoryMb),
      growthMbPerMillion: rounded(main.growthMb),
      latencyMs: { idle: quantiles(idle), busy: quantiles(busy), crowded: quantiles(crowded) },
      ratios: {
        ofTransport: round(share, 2),
        ofProvider: round(main.perSecond / sender.perSecond, 2),
        twoWorkers: round(scaling, 2),
        workerCpuLargestToSmallest: round(main.cpuUs.worker! / broadcasts[0]!.cpuUs.worker!, 2),
      },
    }),
  );
} finally {
  await stage.close();
}
